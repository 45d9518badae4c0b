"""Authentication: ES256 tokens of usercenter, verified by every service itself with usercenter's public keys (JWKS)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Self

import jwt
import structlog
from cachetools import TLRUCache
from fastapi import Depends, Request
from pydantic import BaseModel

from servicekit.error_texts import error_text
from servicekit.errors import Forbidden, PeerUnavailable, ReauthenticationRequired, TokenRefused, Unauthenticated
from servicekit.revocation import KNOWN_SECONDS, Revocations, revocations_by_invocation
from servicekit.sidecar import Sidecar

log = structlog.get_logger()
ISSUER, AUDIENCE, ALGORITHM = "minsu-usercenter", "minsu", "ES256"
KEYS_TTL_SECONDS = 600
ASK_PAUSE_SECONDS = 5.0
MOST_VERIFIED = 2048
"""Tokens whose signature is not checked again; about 1 KiB each."""
FRESH_SECONDS = 600
"""How old a proof of identity may be for an act that moves money; `/usercenter/v1/user/reauthenticate` gives a new one."""
LEEWAY_SECONDS = 5
"""Nodes' clocks differ: without it, a token issued a moment ahead of ours is refused right after the sign-in."""


class Jwks(BaseModel):
    """RFC 7517 §5: a key may have members that we do not know, of any type (§4)."""

    keys: list[dict[str, Any]]


JwksSource = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Principal:
    """The signed-in user. `roles` may hold `buyer`, `merchant`, `operator`; `generation`: see `revocation.py`.

    `session_id`: usercenter's id of the sign-in; 0 in a token without one. `auth_time`: when the user last proved who they
    are, in unix seconds. `amr`: how, by `pwd`, `wechat` …"""

    user_id: int
    roles: frozenset[str]
    generation: int = 0
    session_id: int = 0
    auth_time: int = 0
    amr: frozenset[str] = frozenset()

    def require(self, role: str) -> None:
        if role not in self.roles:
            raise Forbidden(f"role {role} is needed")

    def is_fresh(self, now: float) -> bool:
        """Whether the user has proven who they are within FRESH_SECONDS before `now` (unix seconds)."""
        return now - self.auth_time <= FRESH_SECONDS


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a token says whose signature was checked. Times in unix seconds."""

    principal: Principal
    kid: str
    issued_at: int
    expires_at: float


def _ends_at(_token: str, verified: _Verified, _now: float) -> float:
    return verified.expires_at + LEEWAY_SECONDS


class TokenVerifier:
    """Verifies bearer tokens, each signature once: what was verified is kept by the token's exact text until it expires or
    keys are fetched anew. Revocation is looked up for every request. Keys are cached for ten minutes and fetched again, at
    most every five seconds, for an unknown `kid`; while usercenter is down, cached keys stay in use. Without any, requests
    in that pause fail at once: a queue of calls to a peer that is down would outlast every caller."""

    def __init__(
        self,
        source: JwksSource,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        revocations: Revocations | None = None,
    ) -> None:
        self._source, self._monotonic, self._revocations = source, monotonic, revocations
        self._keys: dict[str, jwt.PyJWK] = {}
        self._verified: TLRUCache[str, _Verified] = TLRUCache(MOST_VERIFIED, ttu=_ends_at, timer=time.time)
        self._fetched_at = self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    @classmethod
    def by_invocation(cls, sidecar: Sidecar) -> Self:
        """Keys and revocations of usercenter, through the sidecars."""
        return cls(jwks_by_invocation(sidecar), revocations=Revocations(revocations_by_invocation(sidecar)))

    async def principal(self, authorization: str | None) -> Principal:
        """Raises Unauthenticated for anything but a valid, unexpired, unrevoked token; PeerUnavailable when no key can be
        had."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("a bearer token is needed")
        verified = self._verified.get(token)
        if verified is not None:
            await self._key(verified.kid)
            verified = self._verified.get(token)  # not there when that fetched keys
        verified = verified or await self._verify(token)
        principal = verified.principal
        if self._revocations and await self._revocations.voids(
            principal.user_id, principal.generation, principal.session_id, verified.issued_at
        ):
            raise TokenRefused("token: revoked")
        return principal

    async def _verify(self, token: str) -> _Verified:
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            key = await self._key(kid)
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub"]},
            )
            principal = _principal(claims)
            verified = _Verified(principal, kid, int(claims["iat"]), float(claims["exp"]))
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated(f"token: {error}") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise TokenRefused(f"token: {error}") from error
        self._verified[token] = verified
        return verified

    async def _key(self, kid: str) -> jwt.PyJWK:
        if self._is_due(kid) or (not self._keys and self._asking.locked()):
            async with self._asking:  # one question for all who wait
                if self._is_due(kid):
                    await self._refresh(KNOWN_SECONDS if kid in self._keys else None)
        if not self._keys:
            raise PeerUnavailable("usercenter: no keys yet", retry_after=round(ASK_PAUSE_SECONDS))
        if kid not in self._keys:
            raise TokenRefused("token: signed by a key that is not known")
        return self._keys[kid]

    def _is_due(self, kid: str) -> bool:
        now = self._monotonic()
        stale = now - self._fetched_at > KEYS_TTL_SECONDS or kid not in self._keys
        return stale and now - self._asked_at > ASK_PAUSE_SECONDS

    async def _refresh(self, seconds: float | None) -> None:
        """`seconds`: how long to wait at most; None: as long as the source does."""
        self._asked_at = self._monotonic()
        try:
            async with asyncio.timeout(seconds):
                found = jwt.PyJWKSet.from_dict(await self._source()).keys
        except (
            PeerUnavailable,
            TimeoutError,
            ValueError,
            jwt.PyJWTError,
        ) as error:  # not there, or no keys: no fault of the token
            log.warning("usercenter's keys cannot be had", reason=error_text(error))
            self._asked_at = self._monotonic()  # the answer may have taken longer than the pause
            return
        self._keys = {key.key_id or "": key for key in found}
        self._verified.clear()
        self._fetched_at = self._monotonic()


def _principal(claims: dict[str, Any]) -> Principal:
    """Raises ValueError or TypeError for claims that usercenter does not issue."""
    return Principal(
        int(claims["sub"]),
        frozenset(claims.get("roles", [])),
        int(claims.get("gen", 0)),
        int(claims.get("sid", 0)),
        int(claims.get("auth_time", 0)),
        frozenset(claims.get("amr", [])),
    )


def jwks_by_invocation(sidecar: Sidecar) -> JwksSource:
    """Ask usercenter, through the sidecars."""

    async def fetch() -> dict[str, Any]:
        keys = await sidecar.ask("usercenter", "/internal/jwks", None, Jwks)
        if keys is None:
            raise PeerUnavailable("usercenter: 404 for its keys")
        return keys.model_dump()

    return fetch


async def _current_user(request: Request) -> Principal:
    verifier: TokenVerifier = request.app.state.token_verifier
    user = request.scope["principal"] = await verifier.principal(request.headers.get("authorization"))
    request.app.state.user_limit.take(str(user.user_id))
    return user


async def _merchant(user: "CurrentUser") -> Principal:
    user.require("merchant")
    return user


async def _operator(user: "CurrentUser") -> Principal:
    user.require("operator")
    return user


async def _money_operator(user: "Operator") -> Principal:
    if not user.is_fresh(time.time()):
        raise ReauthenticationRequired(f"the last proof of identity is more than {FRESH_SECONDS} s old")
    return user


CurrentUser = Annotated[Principal, Depends(_current_user)]
Merchant = Annotated[Principal, Depends(_merchant)]
Operator = Annotated[Principal, Depends(_operator)]
MoneyOperator = Annotated[Principal, Depends(_money_operator)]
"""For acts that move money: an operator who has just proven who they are."""
