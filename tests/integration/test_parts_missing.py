"""A part is away: 503 in bounded time, and nothing that was accepted is lost."""

import time

import pytest

from tests.support.frozen import Frozen
from tests.support.orders import WAIT_USE, has_state
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def test_a_peer_that_does_not_answer_makes_503_within_seconds(system):
    system.bearer("BUYER")
    order_sn = system.book()

    with Frozen(system, "order"):
        began = time.monotonic()
        answer = system.post(
            "/payment/v1/thirdPayment/thirdPaymentWxPay", {"orderSn": order_sn, "serviceType": "homestayOrder"}, "BUYER"
        )
        took = time.monotonic() - began

    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert int(answer.headers["retry-after"]) >= 1
    assert took < 20
    eventually(
        lambda: system.post("/order/v1/homestayOrder/userHomestayOrderDetail", {"sn": order_sn}, "BUYER").is_success
    )
    assert system.prepay(order_sn)["paymentSn"].startswith("PMT")


def test_with_kafka_away_a_payment_is_still_taken_and_reaches_the_order_afterwards(system):
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]

    with Frozen(system, "kafka"):
        system.tap_pay(number)
        eventually(lambda: system.status(order_sn)["payStatus"] == 1, what="the payment settled without a broker")
        [row] = system.rows("payment", "select published_at from outbox where partition_key = %s", order_sn)
        assert row["published_at"] is None

    eventually(has_state(system, order_sn, WAIT_USE), what="the order turned paid", seconds=60)


def test_with_the_database_away_the_callback_is_asked_for_again_and_then_settles(system):
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]

    with Frozen(system, "postgres"):
        began = time.monotonic()
        answer = system.gateway.post(
            "/order/v1/homestayOrder/userHomestayOrderDetail", json={"sn": order_sn}, headers=system.bearer("BUYER")
        )
        assert answer.status_code == 503
        assert time.monotonic() - began < 20

    system.tap_pay(number)
    eventually(has_state(system, order_sn, WAIT_USE), what="the order turned paid", seconds=60)
