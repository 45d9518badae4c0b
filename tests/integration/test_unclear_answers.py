"""WeChat's answers that are neither yes nor no, on the real parts: nothing hangs, no order ends while it is being paid."""

import time

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
WAIT_PAY, WAIT_USE, CANCELLED = 0, 1, -1


def fault(system, name, match, times=1):
    answer = system.wechat.post("/_sim/faults/set", json={"name": name, "match": match, "times": times})
    assert answer.is_success, answer.text


def is_at(system, order_sn, state):
    return lambda: system.order(order_sn)["tradeState"] == state


def cancel(system, order_sn):
    return system.data("/order/v1/homestayOrder/cancelHomestayOrder", {"sn": order_sn}, "BUYER")


def go_on_closing(system, order_sn):
    system.rows("order", "update homestay_order set due_at = now() where sn = %s and leased_until is null", order_sn)


def payment_of(system, order_sn):
    [row] = system.rows("payment", "select * from third_payment where order_sn = %s", order_sn)
    return row


def test_with_the_page_open_a_lost_callback_costs_seconds(system):
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]
    fault(system, "callback-lost", number)
    system.tap_pay(number)
    paid_at = time.monotonic()

    eventually(lambda: system.status(order_sn)["payStatus"] == 1, what="the status says paid", seconds=20)

    assert time.monotonic() - paid_at < 20, "cron asks after thirty"
    eventually(is_at(system, order_sn, WAIT_USE), what="the order turned paid")
    [notification] = system.wechat.get("/_sim/notifications", params={"out_trade_no": number}).json()["notifications"]
    assert (notification["state"], notification["attempts"]) == ("LOST", [])
    [row] = system.rows(
        "payment", "select source from payment_transition where payment_id = %s", payment_of(system, order_sn)["id"]
    )
    assert row["source"] == "query"


def test_an_order_is_not_cancelled_while_its_buyer_types_the_password(system):
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]
    fault(system, "close-paying", number)

    answer = cancel(system, order_sn)

    assert (answer["tradeState"], answer["closing"]) == (WAIT_PAY, True)
    assert payment_of(system, order_sn)["pay_status"] == 0
    system.tap_pay(number)
    go_on_closing(system, order_sn)
    eventually(is_at(system, order_sn, WAIT_USE), what="the order turned paid", seconds=40)
    assert (
        system.rows("order", "select sn from homestay_order where sn = %s and refund_opened_at is not null", order_sn)
        == []
    )


def test_an_order_whose_number_wechat_never_had_is_cancelled(system):
    order_sn = system.book()
    fault(system, "api-5xx", order_sn, times=3)
    body = {"orderSn": order_sn, "serviceType": "homestayOrder"}
    refused = system.post("/payment/v1/thirdPayment/thirdPaymentWxPay", body, "BUYER")
    number = payment_of(system, order_sn)["sn"]
    fault(system, "close-unknown", number)

    answer = cancel(system, order_sn)

    assert refused.status_code == 503
    assert (answer["tradeState"], answer["closing"]) == (CANCELLED, False)
    assert payment_of(system, order_sn)["pay_status"] == -1


def test_an_order_that_is_closed_at_wechat_already_is_cancelled_at_once(system):
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]
    fault(system, "close-closed", number)

    answer = cancel(system, order_sn)

    assert (answer["tradeState"], answer["closing"]) == (CANCELLED, False)
    assert payment_of(system, order_sn)["pay_status"] == -1
    assert system.wechat.post("/_sim/pay", json={"out_trade_no": number}).status_code == 409
