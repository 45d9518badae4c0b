import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from servicekit.auth import TokenVerifier
from servicekit.clock import unix
from usercenter.models import UserSession
from usercenter.tokens import SigningKeys, TokenIssuer

NOW = datetime.now(UTC).replace(microsecond=0)


def pem(key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def keys_of(private, *others: str) -> SigningKeys:
    keys = SigningKeys()
    keys.load(pem(private), *others)
    return keys


def session() -> UserSession:
    """Of user 7. Its id is one that JSON's numbers cannot hold."""
    proven_at = datetime.fromtimestamp(5, UTC)
    return UserSession(id=2**53 + 1, user_id=7, generation=3, amr=["pwd"], authenticated_at=proven_at)


async def test_every_service_accepts_what_is_issued():
    keys = keys_of(ec.generate_private_key(ec.SECP256R1()))
    token = TokenIssuer(keys=keys, lifetime=timedelta(hours=2)).issue(
        session(), ["merchant", "buyer"], NOW, ends_at=NOW + timedelta(days=1), refresh_token="r"
    )

    async def source():
        return keys.jwks()

    principal = await TokenVerifier(source).principal(f"Bearer {token.access_token}")
    assert (principal.user_id, principal.roles) == (7, frozenset({"buyer", "merchant"}))
    assert (principal.generation, principal.session_id) == (3, 2**53 + 1)
    assert (principal.auth_time, principal.amr) == (5, frozenset({"pwd"}))
    assert (token.access_expire - token.refresh_after, token.refresh_token) == (3600, "r")


async def test_tokens_of_the_key_before_stay_valid_while_keys_change():
    old, new = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    token = TokenIssuer(keys=keys_of(old), lifetime=timedelta(hours=2)).issue(
        session(), ["buyer"], NOW, ends_at=NOW + timedelta(days=1), refresh_token="r"
    )
    keys = keys_of(new, public_pem(old))

    async def source():
        return keys.jwks()

    assert (await TokenVerifier(source).principal(f"Bearer {token.access_token}")).user_id == 7
    assert len(keys.jwks()["keys"]) == 2


def test_the_key_id_is_the_thumbprint_of_rfc_7638():
    key = keys_of(ec.generate_private_key(ec.SECP256R1())).jwks()["keys"][0]
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{key["x"]}","y":"{key["y"]}"}}'
    digest = hashlib.sha256(canonical.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(public_exponent=65537, key_size=2048), ec.generate_private_key(ec.SECP384R1())],
)
def test_keys_of_another_kind_are_refused_at_start(key):
    with pytest.raises(ValueError, match="P-256"):
        SigningKeys().load(pem(key))


def test_an_access_token_ends_with_its_session():
    issuer = TokenIssuer(keys=keys_of(ec.generate_private_key(ec.SECP256R1())), lifetime=timedelta(hours=2))
    token = issuer.issue(session(), ["buyer"], NOW, ends_at=NOW + timedelta(minutes=10), refresh_token="r")
    assert (token.access_expire, token.refresh_after) == (unix(NOW) + 600, unix(NOW) + 300)
