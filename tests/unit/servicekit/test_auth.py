"""Tokens: only usercenter's, only valid ones, and usercenter's absence is lived through."""

import asyncio
import time
from datetime import timedelta

import jwt
import pytest

from servicekit.auth import TokenVerifier
from servicekit.errors import Forbidden, PeerUnavailable, Unauthenticated
from servicekit.revocation import Revocations, Voided
from servicekit.testing import Tokens


async def test_a_good_token_names_user_and_roles():
    tokens = Tokens()

    principal = await tokens.verifier().principal(tokens.bearer(7, "buyer", "merchant")["Authorization"])

    assert (principal.user_id, principal.roles) == (7, {"buyer", "merchant"})
    with pytest.raises(Forbidden, match="operator"):
        principal.require("operator")


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer a.b.c", "bearer " + "x" * 3000])
async def test_anything_else_is_unauthenticated(header):
    with pytest.raises(Unauthenticated):
        await Tokens().verifier().principal(header)


async def test_an_expired_token_is_refused():
    tokens = Tokens()
    with pytest.raises(Unauthenticated, match="expired"):
        await tokens.verifier().principal(tokens.bearer(1, expires_in=timedelta(seconds=-10))["Authorization"])


@pytest.mark.parametrize(("ahead", "taken"), [(2, True), (30, False)])
async def test_a_clock_that_is_seconds_ahead_of_ours_does_no_harm(ahead, taken):
    tokens = Tokens()
    header = tokens.bearer(1, issued_in=timedelta(seconds=ahead))["Authorization"]
    if taken:
        assert (await tokens.verifier().principal(header)).user_id == 1
        return
    with pytest.raises(Unauthenticated, match="iat"):
        await tokens.verifier().principal(header)


async def test_anothers_key_under_our_kid_is_refused():
    with pytest.raises(Unauthenticated):
        await Tokens().verifier().principal(Tokens().bearer(1)["Authorization"])


async def test_a_token_without_signature_or_with_the_public_key_as_secret_is_refused():
    tokens = Tokens()
    claims = {"sub": "1", "iss": "minsu-usercenter", "aud": "minsu", "iat": 0, "exp": 9999999999}
    for algorithm, key in (("none", None), ("HS256", str(tokens.jwk["x"]).ljust(32, "x"))):
        forged = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "test"})
        with pytest.raises(Unauthenticated):
            await tokens.verifier().principal(f"Bearer {forged}")


async def test_keys_are_cached_and_serve_on_while_usercenter_is_down():
    tokens, now, asked = Tokens(), [0.0], [0]

    async def source():
        asked[0] += 1
        if asked[0] > 1:
            raise PeerUnavailable("usercenter")
        return {"keys": [tokens.jwk]}

    verifier = TokenVerifier(source, lambda: now[0])
    header = tokens.bearer(1)["Authorization"]
    await verifier.principal(header)
    await verifier.principal(header)
    assert asked == [1]
    now[0] = 700.0
    for _ in range(20):
        assert (await verifier.principal(header)).user_id == 1
    assert asked == [2]
    now[0] += 6.0
    assert (await verifier.principal(header)).user_id == 1
    assert asked == [3]


async def test_while_usercenter_hangs_no_request_waits_long_for_newer_keys(monkeypatch):
    monkeypatch.setattr("servicekit.auth.KNOWN_SECONDS", 0.01)
    tokens, now, asked = Tokens(), [0.0], []

    async def source():
        asked.append(now[0])
        await asyncio.sleep(0.1 if len(asked) == 1 else 3600)  # the first keys are waited for longer
        return {"keys": [tokens.jwk]}

    verifier = TokenVerifier(source, lambda: now[0])
    header = tokens.bearer(1)["Authorization"]
    await verifier.principal(header)
    now[0] = 700.0
    async with asyncio.timeout(5):
        for _ in range(20):
            assert (await verifier.principal(header)).user_id == 1
    assert asked == [0.0, 700.0]


async def test_forged_kids_do_not_make_a_storm_of_questions():
    asked = [0]

    async def source():
        asked[0] += 1
        return {"keys": [Tokens().jwk | {"kid": "other"}]}

    verifier = TokenVerifier(source, lambda: 100.0)
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await verifier.principal(Tokens().bearer(1)["Authorization"])
    assert asked == [1]


async def test_while_no_key_can_be_had_many_ask_once_and_are_answered_at_once():
    tokens, now, asked, back = Tokens(), [100.0], [0], asyncio.Event()

    async def source():
        asked[0] += 1
        if asked[0] > 2:
            return {"keys": [tokens.jwk]}
        await back.wait()
        now[0] += 20.0  # longer than the pause: a request that waited must not ask again for that
        raise PeerUnavailable("usercenter")

    verifier = TokenVerifier(source, lambda: now[0])
    header = tokens.bearer(1)["Authorization"]
    many = [asyncio.create_task(verifier.principal(header)) for _ in range(30)]
    await asyncio.sleep(0)
    back.set()
    answers = await asyncio.gather(*many, return_exceptions=True)
    assert {(type(each), each.retry_after) for each in answers} == {(PeerUnavailable, 5)}
    with pytest.raises(PeerUnavailable):
        await verifier.principal(header)
    assert asked == [1]
    now[0] += 6.0
    with pytest.raises(PeerUnavailable):
        await verifier.principal(header)
    assert asked == [2]
    now[0] += 6.0
    assert (await verifier.principal(header)).user_id == 1
    assert asked == [3]


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": [{"kty": "EC"}]}, ValueError("no JSON")])
async def test_an_answer_that_holds_no_keys_is_no_fault_of_the_token(document):
    async def source():
        if isinstance(document, Exception):
            raise document
        return document

    with pytest.raises(PeerUnavailable):
        await TokenVerifier(source).principal(Tokens().bearer(1)["Authorization"])


async def test_all_who_come_while_the_first_keys_are_fetched_wait_for_them():
    tokens, asked, back = Tokens(), [0], asyncio.Event()

    async def source():
        asked[0] += 1
        await back.wait()
        return {"keys": [tokens.jwk]}

    verifier = TokenVerifier(source)
    header = tokens.bearer(1)["Authorization"]
    many = [asyncio.create_task(verifier.principal(header)) for _ in range(30)]
    await asyncio.sleep(0)
    back.set()
    assert {each.user_id for each in await asyncio.gather(*many)} == {1}
    assert asked == [1]


async def test_a_signature_is_verified_once(monkeypatch):
    tokens, decoded = Tokens(), []
    decode = jwt.decode
    monkeypatch.setattr(
        jwt, "decode", lambda token, *rest, **more: decoded.append(token) or decode(token, *rest, **more)
    )
    verifier, header = tokens.verifier(), tokens.bearer(7, "merchant")["Authorization"]
    first, again = await verifier.principal(header), await verifier.principal(header)
    assert (first, len(decoded)) == (again, 1)
    other = header[:-8] + ("A" if header[-8] != "A" else "B") + header[-7:]
    with pytest.raises(Unauthenticated):
        await verifier.principal(other)
    with pytest.raises(Unauthenticated):
        await verifier.principal(other)
    assert len(decoded) == 3, "a refusal is not kept"


async def test_a_token_that_was_verified_is_verified_again_when_it_has_expired(monkeypatch):
    tokens, decoded, now = Tokens(), [], [time.time()]
    decode = jwt.decode
    monkeypatch.setattr(
        jwt, "decode", lambda token, *rest, **more: decoded.append(token) or decode(token, *rest, **more)
    )
    monkeypatch.setattr(time, "time", lambda: now[0])
    verifier, header = tokens.verifier(), tokens.bearer(1, expires_in=timedelta(hours=1))["Authorization"]
    await verifier.principal(header)
    now[0] += 3600
    await verifier.principal(header)
    assert len(decoded) == 1, "within the leeway"
    now[0] += 6
    await verifier.principal(header)
    assert len(decoded) == 2


async def test_a_key_that_was_withdrawn_ends_the_tokens_it_has_signed():
    old, new, now = Tokens(), Tokens(), [0.0]
    published = [old.jwk]

    async def source():
        return {"keys": published}

    verifier = TokenVerifier(source, lambda: now[0])
    header = old.bearer(1)["Authorization"]
    await verifier.principal(header)
    published[:] = [new.jwk]
    now[0] = 700.0
    with pytest.raises(Unauthenticated):
        await verifier.principal(header)
    assert (await verifier.principal(new.bearer(2)["Authorization"])).user_id == 2


async def test_a_token_that_was_verified_is_refused_once_it_is_revoked():
    tokens, now, oldest = Tokens(), [0.0], {1: 0}

    async def keys():
        return {"keys": [tokens.jwk]}

    async def voided():
        return Voided(dict(oldest))

    verifier = TokenVerifier(keys, lambda: now[0], revocations=Revocations(voided, lambda: now[0]))
    header = tokens.bearer(1, generation=3)["Authorization"]
    assert (await verifier.principal(header)).user_id == 1
    oldest[1], now[0] = 4, 16.0
    with pytest.raises(Unauthenticated, match="revoked"):
        await verifier.principal(header)
