"""Counts by time: exact, bounded in memory, and each user's own."""

import pytest
from fastapi import APIRouter

from servicekit import rate_limits
from servicekit.app import build
from servicekit.auth import CurrentUser
from servicekit.clock import utc_now
from servicekit.rate_limits import Counts, RateLimit, RateLimited
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, client


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_window_begins_with_its_first_request_and_ends(clock):
    limit = RateLimit("address", "3/minute", Counts(clock), clock)
    clock.now += 17
    assert [limit.refusal("one") for _ in range(3)] == [None, None, None]
    clock.now += 20
    assert limit.refusal("one").retry_after == 40
    assert limit.refusal("other") is None
    clock.now += 39.9
    assert limit.refusal("one").retry_after == 1
    clock.now += 0.1
    assert limit.refusal("one") is None


def test_limits_of_different_names_count_apart(clock):
    counts = Counts(clock)
    few, many = RateLimit("few", "1/minute", counts, clock), RateLimit("many", "2/minute", counts, clock)
    assert [few.refusal("one"), many.refusal("one"), many.refusal("one")] == [None, None, None]
    with pytest.raises(RateLimited, match="few: 1 per 1 minute"):
        few.take("one")


def test_memory_is_bounded_whatever_keys_are_shown(clock, monkeypatch):
    monkeypatch.setattr(rate_limits, "MOST_COUNTS", 100)
    counts = Counts(clock)
    limit = RateLimit("address", "1/minute", counts, clock)
    for number in range(10_000):
        assert limit.refusal(str(number)) is None
    assert counts.reset() == 100


def test_the_storage_tells_what_it_counts(clock):
    counts = Counts(clock)
    assert (counts.get("k"), counts.get_expiry("k"), counts.check()) == (0, clock.now, True)
    assert [counts.incr("k", 60), counts.incr("k", 60, 4)] == [1, 5]
    assert (counts.get("k"), counts.get_expiry("k")) == (5, clock.now + 60)
    counts.clear("k")
    assert counts.get("k") == 0
    counts.incr("k", 60)
    clock.now += 61
    assert counts.get("k") == 0


async def test_a_user_has_a_limit_that_others_do_not_use_up():
    tokens, router = Tokens(), APIRouter()

    @router.post("/own")
    async def own(user: CurrentUser) -> int:
        return user.user_id

    app = build(
        "order",
        ServiceSettings(APP_API_TOKEN=APP_TOKEN, requests_per_user="2/minute"),
        routers=[router],
        sidecar=FakeSidecar(),
        verifier=tokens.verifier(),
        clock=utc_now,
    )
    async with client(app) as http:
        first, second = tokens.bearer(7), tokens.bearer(7)  # a new token is no new user
        statuses = [(await http.post("/own", headers=each)).status_code for each in (first, second, first, second)]
        assert statuses == [200, 200, 429, 429]
        forged = {"Authorization": Tokens().bearer(8)["Authorization"]}
        assert [(await http.post("/own", headers=forged)).status_code for _ in range(5)] == [401] * 5
        assert (await http.post("/own", headers=tokens.bearer(8))).status_code == 200


@pytest.mark.parametrize("rate", ["many", "-1/minute", "0.5/second"])
def test_what_is_no_rate_is_refused_at_the_start(rate):
    with pytest.raises(ValueError, match="requests_per_user"):
        ServiceSettings(APP_API_TOKEN=APP_TOKEN, requests_per_user=rate)
