"""Refunds that WeChat will not or cannot carry out, on the real parts: who hears of it, and what an operator does."""

import json
from typing import Any

import pytest

from payment.settings import PaymentSettings
from tests.support.operators import new_operator
from tests.support.refunding import book_ahead, books, ends, fault, pay, payment, refunds
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
WAIT_USE, ORDER_REFUNDED = 1, 3
FOUR_EYES_FEN = PaymentSettings.model_fields["four_eyes_fen"].default
ASK = "/order/v1/homestayOrder/refundHomestayOrder"


@pytest.fixture
def paid(system: System) -> tuple[str, str]:
    order_sn = book_ahead(system)
    number = pay(system, order_sn)
    eventually(lambda: system.order(order_sn)["tradeState"] == WAIT_USE, what="the order is paid")
    return order_sn, number


def ops(system: System, *arguments: str, typed: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(system.cli("minsu", "ops", *arguments, "--json", typed=typed).stdout)
    return answer


def test_an_order_whose_refund_wechat_refuses_goes_on_and_its_buyer_asks_again(system: System, paid) -> None:
    order_sn, number = paid
    with fault(system, "refund-refused", number):
        assert system.data(ASK, {"sn": order_sn, "reason": ""}, "BUYER")["refundState"] == "agreed"
        eventually(lambda: system.order(order_sn)["refundState"] == "failed", what="order hears that it failed")

    order = system.order(order_sn)
    assert (order["tradeState"], order["refundOpen"]) == (WAIT_USE, False)
    assert [(row["state"], row["refund_id"]) for row in refunds(system, number)] == [("closed", None)]
    assert books(system, number)["held"] == payment(system, number)["total_fen"]

    system.data(ASK, {"sn": order_sn, "reason": ""}, "BUYER")

    ends(system, number, "closed", "succeeded")
    eventually(lambda: system.order(order_sn)["tradeState"] == ORDER_REFUNDED, what="the order is refunded")
    assert books(system, number)["held"] == 0


def test_an_operator_sends_an_abnormal_refund_to_the_buyers_card(system: System, paid) -> None:
    order_sn, number = paid
    with fault(system, "refund-abnormal", number):
        system.data(ASK, {"sn": order_sn, "reason": ""}, "BUYER")
        [refund] = ends(system, number, "abnormal")
    assert system.order(order_sn)["refundOpen"] is True
    assert books(system, number)["held"] == payment(system, number)["total_fen"]

    card = "6222020200112233445\n张小明\n"
    sent = ops(
        system, "refund-elsewhere", refund["sn"], "--to-card", "ICBC_DEBIT", "--note", "the card is void", typed=card
    )

    assert (sent["sn"], sent["sentElsewhereAt"] is not None) == (refund["sn"], True)
    ends(system, number, "succeeded")
    eventually(lambda: system.order(order_sn)["tradeState"] == ORDER_REFUNDED, what="the order is refunded")
    assert books(system, number)["held"] == 0
    [shown] = system.wechat.get("/_sim/refunds", params={"out_trade_no": number}).json()["refunds"]
    assert (shown["out_refund_no"], shown["status"]) == (refund["sn"], "SUCCESS")


def test_an_operator_begins_a_refused_refund_of_a_late_payment_again(system: System) -> None:
    order_sn = book_ahead(system)
    number = str(system.prepay(order_sn)["paymentSn"])
    system.rows("order", "update homestay_order set trade_state = -1 where sn = %s", order_sn)
    with fault(system, "refund-refused", number):
        system.tap_pay(number)
        [refused] = ends(system, number, "closed")

    begun = ops(system, "refund-again", refused["sn"], "--note", "why")

    assert (begun["requestSn"], begun["attempt"]) == (refused["request_sn"], 2)
    ends(system, number, "closed", "succeeded")
    assert books(system, number)["held"] == 0


def test_above_the_limit_only_a_second_operator_sends_it_elsewhere(system: System) -> None:
    order_sn = book_ahead(system, nights=7)
    number = pay(system, order_sn)
    assert payment(system, number)["total_fen"] > FOUR_EYES_FEN
    eventually(lambda: system.order(order_sn)["tradeState"] == WAIT_USE, what="the order is paid")
    with fault(system, "refund-abnormal", number):
        system.data(ASK, {"sn": order_sn, "reason": ""}, "BUYER")
        [refund] = ends(system, number, "abnormal")
    card = "6222020200112233445\n张小明\n"
    wanted = ops(
        system, "refund-elsewhere", refund["sn"], "--to-card", "ICBC_DEBIT", "--note", "the card is void", typed=card
    )
    approval = str(wanted["approvalId"])
    assert refunds(system, number)[0]["sent_elsewhere_at"] is None

    alone = system.cli("minsu", "ops", "approve", approval, "--note", "by myself", check=False)
    assert (alone.returncode, "another operator has to approve" in alone.stderr) == (1, True)
    assert refunds(system, number)[0]["sent_elsewhere_at"] is None

    colleague = new_operator(system)
    decision = {"id": int(approval), "note": "called the buyer"}
    system.data("/payment/v1/ops/refundApprove", decision, **colleague.bearer)

    ends(system, number, "succeeded")
    eventually(lambda: system.order(order_sn)["tradeState"] == ORDER_REFUNDED, what="the order is refunded")
    assert books(system, number)["held"] == 0
    [row] = system.rows("payment", "select * from refund_approval where id = %s", int(approval))
    assert (row["state"], row["decided_by"], row["request"]) == ("approved", colleague.id, None)
