"""What tests let a service respond is refused where its OpenAPI document, or contracts/problems.json, says otherwise."""

import re
from typing import Any

import pytest

from tests.support.peers import PublishedPeers
from tests.support.published import published_problem, require_as_published

TAKEN = "/order/v1/ops/receivedEvents"
EVENT = {"source": "minsu/payment", "eventId": "e-1", "receivedAt": "2026-11-23T01:45:00.420Z"}
DAY, ARRIVALS = "/order/v1/merchant/arrivals", {"day": "2026-11-23", "list": []}
QUOTE, CREATE = (f"/order/v1/homestayOrder/{name}" for name in ("quoteHomestayOrder", "createHomestayOrder"))


def ok(data: Any) -> dict[str, Any]:
    return {"code": 200, "msg": "OK", "data": data}


@pytest.mark.parametrize(
    ("path", "data"),
    [
        (TAKEN, {"taken": [EVENT, EVENT | {"receivedAt": "2026-11-23T09:45:00+08:00"}], "letters": []}),
        (DAY, ARRIVALS),
    ],
)
def test_a_double_may_respond_as_its_service_publishes(path, data):
    require_as_published("order", path, ok(data))


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        (TAKEN, ok({"taken": []}), "data: lacks letters"),
        (TAKEN, ok({"taken": [EVENT | {"n": 1}], "letters": []}), "data.taken.[]: has undocumented n"),
        (TAKEN, ok({"taken": [EVENT | {"eventId": 1}], "letters": []}), "data.taken.[].eventId: 1 against type string"),
        (TAKEN, ok({"taken": [EVENT | {"receivedAt": "2026-11-23T01:45:00"}], "letters": []}), "format date-time"),
        (TAKEN, ok({"taken": [EVENT | {"receivedAt": "2026-11-31T01:45:00Z"}], "letters": []}), "format date-time"),
        (DAY, ok(ARRIVALS | {"day": "2026-11-31"}), "format date"),
        (DAY, ARRIVALS, "lacks data"),
        ("/order/v1/ops/none", ok({}), "order has no /order/v1/ops/none"),
    ],
)
def test_nothing_else(path, body, why):
    with pytest.raises(AssertionError, match=re.escape(why)):
        require_as_published("order", path, body)


def test_a_refusal_is_as_the_problems_have_it():
    problem = published_problem("order", CREATE, "night-full", field="liveStartTime", night="2026-11-23")
    assert "当晚已订满" in problem.pop("msg")
    assert "sold out" in problem.pop("title")
    assert problem == {
        "type": "/problems/night-full",
        "status": 409,
        "detail": "night-full",
        "code": 103034,
        "trace_id": "",
        "field": "liveStartTime",
        "night": "2026-11-23",
    }
    assert published_problem("order", QUOTE, "unauthenticated")["status"] == 401


@pytest.mark.parametrize(
    ("path", "slug", "members", "why"),
    [
        (CREATE, "night-full", {}, "night-full has the members ['night']"),
        (CREATE, "no-such-problem", {}, "order has no problem no-such-problem"),
        (CREATE, "wrong-credentials", {}, "order has no problem wrong-credentials"),
        (QUOTE, "night-full", {"night": "2026-11-23"}, f"{QUOTE} is not refused with night-full"),
        (CREATE, "own-homestay", {"night": "2026-11-23"}, "has undocumented night"),
        (CREATE, "own-homestay", {"trace_id": 1}, "trace_id: 1 against type string"),
    ],
)
def test_a_refusal_that_its_service_does_not_say_is_refused(path, slug, members, why):
    with pytest.raises(AssertionError, match=re.escape(why)):
        published_problem("order", path, slug, **members)


async def test_a_peer_responds_as_its_service_publishes_unless_a_test_lets_it_differ():
    peers, asked = PublishedPeers(), ("order", "POST", "/internal/commentable")
    peers.answer("order", "/internal/commentable", {"homestayId": 7, "commentable": True})
    assert (await peers.invoke(*asked)).json()["commentable"]
    peers.answer("order", "/internal/commentable", {"commentable": True})
    with pytest.raises(AssertionError, match="lacks homestayId"):
        await peers.invoke(*asked)
    peers.let_differ("order", "/internal/commentable")
    assert (await peers.invoke(*asked)).json() == {"commentable": True}
    peers.answer("order", "/internal/commentable", {"homestayId": 7})
    with pytest.raises(AssertionError, match="lacks commentable"):
        await peers.invoke(*asked)
    peers.answer("order", "/internal/commentable", {}, status=404)
    assert (await peers.invoke(*asked)).status_code == 404
