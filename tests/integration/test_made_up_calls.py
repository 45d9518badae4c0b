"""An app that has been taken over calls the others through the sidecars: it gets what its calls need, and no more."""

from uuid import uuid4

import pytest

from tests.support.invoking import DROPPED, as_app
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
UNPAID, PAID = 0, 1


@pytest.fixture
def unpaid(system: System) -> tuple[str, dict]:
    """An order whose payment was begun, and the event that would turn it to paid."""
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]
    [row] = system.rows("payment", "select total_fen from third_payment where sn = %s", number)
    data = {
        "orderSn": order_sn,
        "paymentSn": number,
        "payStatus": 1,
        "serviceType": "homestayOrder",
        "totalFen": row["total_fen"],
        "payTime": "2026-11-23T01:31:20Z",
        "version": 2,
    }
    return order_sn, {"specversion": "1.0", "id": str(uuid4()), "source": "minsu/payment", "data": data}


WAYS = {
    "plainly": ("order/events/payment-status", {}),
    "with the callers' headers dropped": ("order/events/payment-status", DROPPED),
    "as payment": ("order/events/payment-status", {"Dapr-Caller-App-Id": "payment"}),
    "by a detour": ("order/internal/../events/payment-status", DROPPED),
    "by an encoded detour": ("order/internal/%2e%2e/events/payment-status", DROPPED),
    "with a slash too many": ("order//events//payment-status", DROPPED),
    "with an encoded slash": ("order/events%2fpayment-status", DROPPED),
    "with a guessed token": ("order/delivered/0123456789abcdef/events/payment-status", DROPPED),
    "as a dead letter": ("order/events/dead-letters/payment-update-paystatus-topic", DROPPED),
}


@pytest.mark.parametrize("caller", ["travel", "notification", "payment"])
@pytest.mark.parametrize(("path", "headers"), WAYS.values(), ids=WAYS)
def test_a_made_up_event_is_refused_and_turns_no_order_to_paid(system, unpaid, caller, path, headers):
    order_sn, event = unpaid

    answer = as_app(system, caller, "POST", path, event, headers)

    assert answer.status_code == 403, answer.text
    assert system.rows("order", "select 1 from inbox where event_id = %s", event["id"]) == []
    assert system.rows("order", "select 1 from dead_letter where event_id = %s", event["id"]) == []
    assert system.order(order_sn)["tradeState"] == UNPAID


@pytest.mark.parametrize("headers", [{}, DROPPED], ids=["plainly", "with the callers' headers dropped"])
@pytest.mark.parametrize("path", ["order/jobs/order-close-unpaid", "payment/jobs/payment-daily-payouts"])
def test_another_app_is_no_clock(system, path, headers):
    assert as_app(system, "travel", "POST", path, None, headers).status_code == 403


def test_the_sidecars_own_question_is_not_for_others(system):
    assert as_app(system, "travel", "GET", "order/dapr/subscribe").status_code == 403
    hidden = as_app(system, "travel", "GET", "order/dapr/subscribe", None, DROPPED)
    assert "delivered" not in hidden.text


@pytest.mark.parametrize(
    ("caller", "path", "headers"),
    [
        ("travel", "payment/internal/close", {}),
        ("travel", "payment/internal/close", DROPPED),
        ("travel", "payment/internal/close", {"Dapr-Caller-App-Id": "order"}),
        ("travel", "payment/internal/close", {"Dapr-Caller-App-Id": "order", **DROPPED}),
        ("order", "payment/internal/refund", {}),
        ("order", "payment/internal/paymentBySn", {}),
        ("payment", "usercenter/internal/userById", {}),
        ("payment", "usercenter/internal/authByKey", {}),
        ("gateway", "order/internal/orderDetail", {}),
    ],
)
def test_an_internal_method_opens_to_its_own_callers_alone(system, unpaid, caller, path, headers):
    order_sn, event = unpaid
    body = {"orderSn": order_sn, "sn": event["data"]["paymentSn"], "userId": 1}

    answer = as_app(system, caller, "POST", path, body, headers)

    assert (answer.status_code, answer.json()["code"]) == (403, 100101)
    assert system.status(order_sn)["payStatus"] == UNPAID
    assert system.rows("payment", "select 1 from order_closure where order_sn = %s", order_sn) == []


def test_no_method_issues_tokens_for_others(system):
    answer = as_app(system, "order", "POST", "usercenter/internal/issueToken", {"userId": 1})
    assert answer.status_code in {403, 404}
    assert "accessToken" not in answer.text


def test_real_events_and_calls_come_as_before(system, unpaid):
    order_sn, event = unpaid
    assert as_app(system, "payment", "POST", "order/internal/payable", {"orderSn": order_sn}).status_code == 200
    system.tap_pay(event["data"]["paymentSn"])
    eventually(lambda: system.order(order_sn)["tradeState"] == PAID, what="the order turns paid")
