"""`minsu ops find` and `steps`: which service is asked for what, and what is made of the answers."""

import pytest

from minsu import following
from minsu.api import Api
from minsu.errors import CommandFailed, Refused
from tests.unit.minsu.conftest import ok, problem

SN, PAYMENT_SN = "HSO2026112309302612345678", "PMT2026112309310087654321"
FIND, PAYMENT_FIND = "/order/v1/ops/orderFind", "/payment/v1/ops/paymentFind"
STEP = {"number": "", "before": None, "after": None, "source": None, "detail": None, "fen": None}


@pytest.fixture
def api(world):
    with Api("http://minsu", transport=world.transport) as api:
        yield api


def asked(world, path):
    return [body for asked_path, body, _ in world.asked if asked_path == path]


def test_a_mobile_is_looked_up_at_usercenter_first(world, api):
    world.answers["/usercenter/v1/ops/accountDetail"] = lambda _: ok({"id": 7})
    world.answers[FIND] = lambda _: ok({"list": [{"sn": SN}]})
    assert following.find(api, " +86 138 0000 0001 ") == [{"sn": SN}]
    assert asked(world, "/usercenter/v1/ops/accountDetail") == [{"mobile": "13800000001"}]
    assert asked(world, FIND) == [{"userId": 7}]
    following.find(api, "13800000001", "guest calls")
    assert asked(world, "/usercenter/v1/ops/accountDetail")[1] == {"mobile": "13800000001", "note": "guest calls"}
    assert asked(world, FIND)[1] == {"userId": 7, "note": "guest calls"}


@pytest.mark.parametrize("what", ["k7mx4qpa", "K7MX-4QPA", "k7mx.4qpa"])
def test_a_checkin_code_is_looked_for_in_capitals(world, api, what):
    world.answers[FIND] = lambda _: ok({"list": [{"sn": SN}]})
    assert following.find(api, what) == [{"sn": SN}]
    assert asked(world, FIND) == [{"checkinCode": "K7MX4QPA"}]


def test_a_code_that_is_no_number_and_belongs_to_no_order_finds_nothing(world, api):
    world.answers[FIND] = lambda _: ok({"list": []})
    assert following.find(api, "k7mx.4qpa") == []
    assert world.paths() == [FIND]


def test_an_orders_number_is_looked_for_in_capitals(world, api):
    world.answers[FIND] = lambda _: ok({"list": [{"sn": SN}]})
    assert following.find(api, SN.lower()) == [{"sn": SN}]
    assert asked(world, FIND) == [{"sn": SN}]


def test_a_number_of_wechat_leads_by_payment_to_each_order_once(world, api):
    world.answers[PAYMENT_FIND] = lambda _: ok({"list": [{"orderSn": SN}, {"orderSn": SN}]})
    world.answers[FIND] = lambda _: ok({"list": [{"sn": SN}]})
    assert following.find(api, "4200002026112300001234567890") == [{"sn": SN}]
    assert asked(world, FIND) == [{"sn": SN}]


def test_what_is_no_number_is_refused_before_anything_is_asked(world, api):
    with pytest.raises(CommandFailed):
        following.find(api, "一二三")
    assert world.asked == []


def test_the_steps_of_all_services_are_one_list_with_gaps_and_who_is_missing(world, api):
    created = STEP | {"at": "2026-11-23T01:30:00Z", "what": "order_state", "after": "0"}
    paid = STEP | {"at": "2026-11-23T01:31:00Z", "what": "payment_status", "after": "1"}
    event = {
        "source": "minsu/payment",
        "eventId": "e-1",
        "topic": "payment-update-paystatus-topic",
        "createdAt": "2026-11-23T01:31:00Z",
        "publishedAt": "2026-11-23T01:31:00.250Z",
        "lastError": None,
        "traceId": "a" * 32,
    }
    taken = {"source": "minsu/payment", "eventId": "e-1", "receivedAt": "2026-11-23T01:31:00.500Z"}
    letter = {"id": 7, "topic": event["topic"], "state": "poison", "reason": "unknown order"} | {
        "source": "minsu/payment",
        "eventId": "e-1",
        "receivedAt": "2026-11-23T01:31:00.750Z",
    }
    world.answers["/order/v1/ops/orderSteps"] = lambda _: ok({"order": {}, "steps": [created]})
    world.answers["/payment/v1/ops/paymentSteps"] = lambda _: ok({"steps": [paid]})
    world.answers["/notification/v1/ops/messageSteps"] = lambda _: problem(503, msg="unavailable")
    world.answers["/order/v1/ops/publishedEvents"] = lambda _: ok({"list": []})
    world.answers["/payment/v1/ops/publishedEvents"] = lambda _: ok({"list": [event]})
    for service in ("payment", "notification"):
        world.answers[f"/{service}/v1/ops/receivedEvents"] = lambda _: ok({"taken": [], "letters": []})
    world.answers["/travel/v1/ops/receivedEvents"] = lambda _: ok({"taken": [], "letters": [letter]})
    world.answers["/order/v1/ops/receivedEvents"] = lambda _: ok({"taken": [taken], "letters": []})

    found = following.steps(api, SN)

    assert [(step["service"], step["what"], step["gap"]) for step in found.steps] == [
        ("order", "order_state", ""),
        ("payment", "payment_status", "+60.000"),
        ("payment", "event_written", "+0.000"),
        ("payment", "event_published", "+0.250"),
        ("order", "event_taken", "+0.250"),
        ("travel", "dead_letter", "+0.250"),
    ]
    stuck = found.steps[-1]
    assert [stuck[name] for name in ("number", "after", "source", "detail")] == [
        "travel:7",
        "poison",
        "payment-update-paystatus-topic",
        "unknown order",
    ]
    assert found.missing == ["notification"]


def known_to(world, *, order, payments):
    """Let order respond 404 unless it knows the order, and payment have so many payments of it."""
    told = ok({"order": {}, "steps": []}) if order else problem(404, msg="no such order")
    world.answers["/order/v1/ops/orderSteps"] = lambda _: told
    created = STEP | {"at": "2026-11-23T01:31:00Z", "what": "payment_created", "number": PAYMENT_SN}
    rows = [{"sn": PAYMENT_SN}] * payments
    world.answers["/payment/v1/ops/paymentSteps"] = lambda _: ok({"payments": rows, "steps": [created] * payments})
    world.answers["/notification/v1/ops/messageSteps"] = lambda _: ok({"steps": []})
    for service in ("order", "payment"):
        world.answers[f"/{service}/v1/ops/publishedEvents"] = lambda _: ok({"list": []})


@pytest.mark.parametrize("order", [True, False])
def test_a_payment_whose_order_is_unknown_to_order_is_noted_and_its_steps_are_shown(world, api, order):
    known_to(world, order=order, payments=1)
    found = following.steps(api, SN)
    assert [step["what"] for step in found.steps] == ["payment_created"]
    assert found.missing == []
    assert found.notes == ([] if order else ["order does not know this order, payment does"])


def test_an_order_that_no_service_knows_is_refused(world, api):
    known_to(world, order=False, payments=0)
    with pytest.raises(Refused, match="no such order"):
        following.steps(api, SN)


def test_an_order_that_order_does_not_know_is_noted_while_payment_is_unavailable(world, api):
    known_to(world, order=False, payments=0)
    world.answers["/payment/v1/ops/paymentSteps"] = lambda _: problem(503, msg="unavailable")
    found = following.steps(api, SN)
    assert (found.steps, found.missing, found.notes) == ([], ["payment"], ["order does not know this order"])


def test_a_payment_is_queried_with_the_reason(world, api):
    world.answers["/payment/v1/ops/paymentQuery"] = lambda _: ok({"sn": PAYMENT_SN, "payStatus": 1})
    assert following.query_payment(api, PAYMENT_SN, "n") == {"sn": PAYMENT_SN, "payStatus": 1}
    assert asked(world, "/payment/v1/ops/paymentQuery") == [{"paymentSn": PAYMENT_SN, "note": "n"}]
