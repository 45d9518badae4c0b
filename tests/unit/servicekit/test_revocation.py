"""A token that was revoked is refused within a minute, at one question per 15 s; an outage of usercenter is survived."""

import asyncio

import httpx
import pytest

from servicekit import revocation
from servicekit.auth import TokenVerifier
from servicekit.errors import PeerUnavailable, Unauthenticated
from servicekit.revocation import Revocations, Voided, revocations_by_invocation
from servicekit.testing import FakeSidecar, Tokens

ISSUED = 1_700_000_000


class Usercenter:
    """Its list, whether it answers, and how often it was asked."""

    def __init__(self) -> None:
        self.list: dict[int, int] = {}
        self.issued_until, self.ended = 0, frozenset[int]()
        self.away, self.asked, self.now = False, 0, 1000.0

    async def __call__(self) -> Voided:
        self.asked += 1
        if self.away:
            raise PeerUnavailable("usercenter")
        return Voided(dict(self.list), self.issued_until, self.ended)

    def revocations(self) -> Revocations:
        return Revocations(self, lambda: self.now)


async def test_a_token_of_an_older_generation_is_refused_once_the_list_is_renewed():
    usercenter, tokens = Usercenter(), Tokens()

    async def source():
        return {"keys": [tokens.jwk]}

    verifier = TokenVerifier(source, revocations=usercenter.revocations())
    old, new = (tokens.bearer(7, generation=number)["Authorization"] for number in (2, 3))
    other = tokens.bearer(8)["Authorization"]
    assert (await verifier.principal(old)).generation == 2

    usercenter.list = {7: 3}
    usercenter.now += 16
    with pytest.raises(Unauthenticated, match="revoked"):
        await verifier.principal(old)
    assert (await verifier.principal(new)).user_id == 7
    assert (await verifier.principal(other)).user_id == 8


async def test_a_token_of_an_ended_session_is_refused_within_a_minute_and_no_other_of_its_user():
    usercenter, tokens = Usercenter(), Tokens()

    async def source():
        return {"keys": [tokens.jwk]}

    verifier = TokenVerifier(source, revocations=usercenter.revocations())
    ended, other, without = (tokens.bearer(7, session_id=number)["Authorization"] for number in (5, 6, 0))
    assert (await verifier.principal(ended)).session_id == 5

    usercenter.ended = frozenset({5})
    usercenter.now += 46
    with pytest.raises(Unauthenticated, match="revoked"):
        await verifier.principal(ended)
    assert (await verifier.principal(other)).session_id == 6
    assert (await verifier.principal(without)).session_id == 0


async def test_many_requests_ask_once_per_fifteen_seconds():
    usercenter = Usercenter()
    revocations = usercenter.revocations()
    for _ in range(3):
        assert not any(await asyncio.gather(*(revocations.voids(1, 0, 0, ISSUED) for _ in range(50))))
        usercenter.now += 16
    assert usercenter.asked == 3


async def test_while_usercenter_is_away_the_last_list_stays_in_force():
    usercenter = Usercenter()
    usercenter.list = {7: 1}
    revocations = usercenter.revocations()
    assert await revocations.voids(7, 0, 0, ISSUED)
    usercenter.away = True
    usercenter.now += 3600
    for _ in range(20):
        assert await revocations.voids(7, 0, 0, ISSUED)
        assert not await revocations.voids(8, 0, 0, ISSUED)
    assert usercenter.asked == 2


async def test_without_any_list_nothing_is_taken_for_valid():
    usercenter = Usercenter()
    usercenter.away = True
    revocations = usercenter.revocations()
    for _ in range(5):
        with pytest.raises(PeerUnavailable):
            await revocations.voids(1, 0, 0, ISSUED)
    assert usercenter.asked == 1


@pytest.mark.parametrize("age", [16, 60])
async def test_requests_beside_a_slow_question_wait_only_when_the_list_is_too_old(age):
    usercenter, goes_on = Usercenter(), asyncio.Event()
    revocations = usercenter.revocations()
    await revocations.voids(7, 0, 0, ISSUED)

    async def slow():
        await goes_on.wait()
        return Voided({7: 1})

    revocations._source = slow
    usercenter.now += age
    asking = asyncio.create_task(revocations.voids(7, 0, 0, ISSUED))
    await asyncio.sleep(0)
    beside = asyncio.create_task(revocations.voids(7, 0, 0, ISSUED))
    done, _ = await asyncio.wait([beside], timeout=0.05)
    assert bool(done) is (age < 45)
    goes_on.set()
    assert await asking is True
    assert await beside is (age > 45)


async def test_while_usercenter_hangs_no_request_waits_long_for_a_newer_list(monkeypatch):
    monkeypatch.setattr(revocation, "KNOWN_SECONDS", 0.01)
    usercenter = Usercenter()
    revocations = usercenter.revocations()
    await revocations.voids(7, 0, 0, ISSUED)
    asked = []

    async def hangs():
        asked.append(usercenter.now)
        await asyncio.Event().wait()

    revocations._source = hangs
    usercenter.now += 60
    async with asyncio.timeout(5):
        for _ in range(20):
            assert not await revocations.voids(7, 0, 0, ISSUED)
    assert asked == [1060.0]


async def test_the_first_list_is_waited_for_longer(monkeypatch):
    monkeypatch.setattr(revocation, "KNOWN_SECONDS", 0.01)

    async def slow():
        await asyncio.sleep(0.1)
        return Voided({7: 1})

    assert await Revocations(slow).voids(7, 0, 0, ISSUED)


async def test_the_list_is_read_by_invocation():
    sidecar = FakeSidecar()
    sidecar.answer("usercenter", "/internal/revocations", {"users": [{"userId": 7, "generation": 2}]})
    assert await revocations_by_invocation(sidecar)() == Voided({7: 2})
    more = {"users": [], "sessions": [5, 6], "issuedUntil": 1700000000}
    sidecar.answer("usercenter", "/internal/revocations", more)
    assert await revocations_by_invocation(sidecar)() == Voided({}, 1700000000, frozenset({5, 6}))


async def test_a_token_issued_until_the_moment_is_void_for_every_user():
    usercenter = Usercenter()
    usercenter.issued_until = ISSUED
    revocations = usercenter.revocations()
    assert await revocations.voids(8, 5, 0, ISSUED - 1)
    assert await revocations.voids(8, 5, 0, ISSUED)
    assert not await revocations.voids(8, 0, 0, ISSUED + 1)


@pytest.mark.parametrize("body", [{}, [], {"users": [{"userId": "x"}]}, {"users": None}])
async def test_an_answer_that_cannot_be_read_is_an_outage(body):
    sidecar = FakeSidecar()
    sidecar.answers["usercenter", "/internal/revocations"] = lambda _request: httpx.Response(200, json=body)
    with pytest.raises(PeerUnavailable):
        await revocations_by_invocation(sidecar)()
