"""A token signed by the right key is refused for a wrong claim: audience, issuer, a missing or early time."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from servicekit.auth import TokenVerifier
from servicekit.errors import Unauthenticated

KEY = ec.generate_private_key(ec.SECP256R1())
JWK = {**jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "test", "alg": "ES256"}


async def _keys():
    return {"keys": [JWK]}


def _header(changes):
    """A good token's claims with `changes`, None leaving a claim out."""
    now = datetime.now(UTC)
    good = {
        "sub": "7",
        "roles": ["buyer"],
        "iss": "minsu-usercenter",
        "aud": "minsu",
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    return f"Bearer {jwt.encode(claims, KEY, algorithm='ES256', headers={'kid': 'test'})}"


async def test_these_claims_are_taken():
    assert (await TokenVerifier(_keys).principal(_header({}))).user_id == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "another"},
        {"iss": None},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"sub": "seven"},
        {"nbf": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
async def test_a_token_for_others_of_others_or_for_another_time_is_refused(changes):
    with pytest.raises(Unauthenticated):
        await TokenVerifier(_keys).principal(_header(changes))


async def test_a_key_that_the_token_itself_brings_is_not_used():
    """`jwk` and `jku` of the header would let its writer choose the key."""
    own = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(own.public_key(), as_dict=True)
    now = datetime.now(UTC)
    claims = {"sub": "7", "iss": "minsu-usercenter", "aud": "minsu", "iat": now, "exp": now + timedelta(minutes=5)}
    for kid in ("test", "own"):
        headers = {"kid": kid, "jwk": jwk, "jku": "https://example.com/keys"}
        with pytest.raises(Unauthenticated):
            await TokenVerifier(_keys).principal(
                f"Bearer {jwt.encode(claims, own, algorithm='ES256', headers=headers)}"
            )
