"""The security log: which refusals are events, what a line holds, and how many lines there are."""

from datetime import timedelta

import pytest
from fastapi import APIRouter
from structlog.testing import capture_logs

from servicekit import security_log
from servicekit.app import build
from servicekit.auth import CurrentUser, Operator
from servicekit.clock import utc_now
from servicekit.security_log import KINDS, Pace, event, pseudonym
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar, Tokens, client
from tests.support.metrics import Growth

FROM_THE_GATEWAY = {**SIDECAR_HEADERS, "client-address": "203.0.114.7"}


@pytest.fixture
def tokens():
    return Tokens()


@pytest.fixture
async def http(tokens):
    router = APIRouter()

    @router.post("/own")
    async def own(user: CurrentUser) -> int:
        return user.user_id

    @router.post("/ops")
    async def ops(operator: Operator) -> int:
        return operator.user_id

    app = build(
        "order",
        ServiceSettings(APP_API_TOKEN=APP_TOKEN),
        routers=[router],
        sidecar=FakeSidecar(),
        verifier=tokens.verifier(),
        clock=utc_now,
    )
    async with client(app) as http:
        yield http


def lines(said):
    """What the security log's lines hold but for their level."""
    return [
        {name: value for name, value in line.items() if name not in {"event", "log_level"}}
        for line in said
        if line["event"] == "security"
    ]


async def test_a_token_of_another_key_is_an_event(http):
    grown = Growth("security_events_total", kind="token_refused")
    with capture_logs() as said:
        answer = await http.post("/own", headers=FROM_THE_GATEWAY | Tokens().bearer(7))
    assert answer.status_code == 401
    assert lines(said) == [
        {
            "security_event": "token_refused",
            "reason": "token: Signature verification failed",
            "route": "/own",
            "address": "203.0.114.7",
        }
    ]
    assert grown() == 1


@pytest.mark.parametrize("late", [False, True], ids=["no token", "a token that is over"])
async def test_who_has_no_token_or_comes_late_is_none(http, tokens, late):
    headers = tokens.bearer(7, expires_in=timedelta(seconds=-10)) if late else {}
    with capture_logs() as said:
        assert (await http.post("/own", headers=FROM_THE_GATEWAY | headers)).status_code == 401
    assert lines(said) == []


async def test_a_role_that_is_missing_is_an_event_with_the_user(http, tokens):
    grown = Growth("security_events_total", kind="forbidden")
    with capture_logs() as said:
        answer = await http.post("/ops", headers=FROM_THE_GATEWAY | tokens.bearer(7, "buyer"))
    assert answer.status_code == 403
    assert lines(said) == [
        {
            "security_event": "forbidden",
            "reason": "role operator is needed",
            "route": "/ops",
            "address": "203.0.114.7",
            "user_id": 7,
        }
    ]
    assert grown() == 1


async def test_who_writes_an_address_without_the_sidecar_is_not_believed(http, tokens):
    with capture_logs() as said:
        await http.post("/ops", headers={"client-address": "203.0.114.7"} | tokens.bearer(7, "buyer"))
    assert [line["address"] for line in lines(said)] == ["127.0.0.1"]


async def test_a_call_past_the_sidecar_is_an_event(http):
    with capture_logs() as said:
        assert (await http.post("/internal/anything")).status_code == 401
    assert [(line["security_event"], line["address"]) for line in lines(said)] == [("forbidden", "127.0.0.1")]


def test_a_flood_has_twenty_lines_a_second_and_all_its_counts():
    grown, now = Growth("security_events_total", kind="sign_in_failed"), [100.0]
    security_log._pace = Pace(monotonic=lambda: now[0])
    with capture_logs() as said:
        for _ in range(50):
            event("sign_in_failed")
        now[0] = 101.2
        event("sign_in_failed")
        event("sign_in_failed")
    assert grown() == 52
    assert lines(said) == [
        *[{"security_event": "sign_in_failed"}] * 20,
        {"security_event": "sign_in_failed", "left_out": 30},
        {"security_event": "sign_in_failed"},
    ]


def test_what_people_did_is_never_left_out():
    with capture_logs() as said:
        for number in range(50):
            event("role_changed", user_id=number)
    assert [line["user_id"] for line in lines(said)] == list(range(50))


def test_every_kind_is_counted_from_zero_on():
    assert len(set(KINDS)) == len(KINDS) > 15
    for kind in KINDS:
        Growth("security_events_total", kind=kind)


def test_a_mobile_has_one_pseudonym_for_each_key():
    assert pseudonym(b"k", "13900000000") == pseudonym(b"k", "13900000000")
    assert len({pseudonym(b"k", "13900000000"), pseudonym(b"k", "13900000001"), pseudonym(b"j", "13900000000")}) == 3
