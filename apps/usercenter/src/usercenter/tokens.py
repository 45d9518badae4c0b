"""Access tokens: JWT with ES256. `kid` is the key's thumbprint, so that keys can be rotated while old tokens verify."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from servicekit.auth import ALGORITHM, AUDIENCE, ISSUER
from servicekit.clock import unix
from usercenter.models import UserSession


class SigningKeys:
    """The signing key, and the public keys for verification: its own, the previous one, whose tokens are still about, and
    the next one, which all know before the first token that it signs."""

    def __init__(self) -> None:
        self._private: ec.EllipticCurvePrivateKey | None = None
        self._public: list[dict[str, Any]] = []

    def load(self, private_pem: str, *other_public_pems: str) -> None:
        """Raises ValueError for anything but P-256 keys, and keeps those it has."""
        private = load_pem_private_key(private_pem.encode(), password=None)
        publics = [private.public_key(), *(load_pem_public_key(pem.encode()) for pem in other_public_pems)]
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ValueError("the signing key must be an EC P-256 key")
        self._private, self._public = private, [_jwk(public) for public in publics]

    def jwks(self) -> dict[str, Any]:
        return {"keys": self._public}

    def sign(self, claims: dict[str, Any]) -> str:
        if self._private is None:
            raise RuntimeError("the signing key is not loaded")
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self._public[0]["kid"]})


@dataclass(frozen=True)
class IssuedToken:
    """Times in unix seconds."""

    access_token: str = field(repr=False)
    access_expire: int
    refresh_after: int
    refresh_token: str = field(repr=False)


@dataclass(kw_only=True, eq=False)
class TokenIssuer:
    keys: SigningKeys
    lifetime: timedelta

    def issue(
        self, session: UserSession, roles: list[str], now: datetime, *, ends_at: datetime, refresh_token: str
    ) -> IssuedToken:
        """An access token beside `refresh_token`; it expires with the session, at `ends_at`, at the latest.

        `sid`, `auth_time` and `amr` are OpenID's: which session, when the user proved who they are, and how."""
        expires_at = min(now + self.lifetime, ends_at)
        claims = {
            "sub": str(session.user_id),
            "sid": str(session.id),
            "gen": session.generation,
            "roles": sorted(roles),
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": unix(now),
            "exp": unix(expires_at),
            "auth_time": unix(session.authenticated_at),
            "amr": session.amr,
        }
        return IssuedToken(
            access_token=self.keys.sign(claims),
            access_expire=unix(expires_at),
            refresh_after=unix(now + (expires_at - now) / 2),
            refresh_token=refresh_token,
        )


def _jwk(public: Any) -> dict[str, Any]:
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise ValueError("token keys must be EC P-256")
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
    return {**jwk, "kid": _thumbprint(jwk), "alg": ALGORITHM, "use": "sig"}


def _thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638: SHA-256 of the required members in lexical order."""
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
