"""Money on its way back, on the real parts: what WeChat's own books say is what counts."""

import itertools
import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.refunding import (
    ask_refund,
    begun_and_paid,
    book_ahead,
    books,
    ends,
    fault,
    inside,
    pay,
    payment,
    refunds,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
CANCELLED, WAIT_USE, USED, ORDER_REFUNDED = -1, 1, 2, 3
POSTED = "/v3/refund/domestic/refunds"
_counter = itertools.count(int(time.time()) % 10_000_000)


def request_sn():
    return f"RFR20261123100000{next(_counter):08d}"


def reaches(system, order_sn, state):
    eventually(lambda: system.order(order_sn)["tradeState"] == state, what=f"order {state}", seconds=30)


def ask(system, order_sn):
    return system.data("/order/v1/homestayOrder/refundHomestayOrder", {"sn": order_sn, "reason": "行程有变"}, "BUYER")


def decide(system, order_sn, *, agree, note=""):
    return system.data("/order/v1/merchant/refundDecision", {"sn": order_sn, "agree": agree, "note": note}, "MERCHANT")


def told(system, order_sn):
    """The messages about this order's refund that WeChat took."""
    found = system.wechat.get("/_sim/messages", params={"openid": system.environment["WXPAY_OPENID"]}).json()
    return [each for each in found["messages"] if each["data"].get("character_string1") == order_sn]


def tasks(system, order_sn):
    found = system.rows("notification", "select kind, state from notification_task where order_sn = %s", order_sn)
    return {row["kind"]: row["state"] for row in found}


def yuan(fen):
    return f"¥{fen // 100}.{fen % 100:02d}"


@pytest.fixture
def paid(system):
    order_sn = book_ahead(system)
    number = pay(system, order_sn)
    reaches(system, order_sn, WAIT_USE)
    return order_sn, number


@pytest.fixture
def begun(system):
    return begun_and_paid(system)


def test_a_buyer_who_leaves_in_time_gets_all_of_it_back(system, paid):
    order_sn, number = paid

    assert ask(system, order_sn)["refundState"] == "agreed"

    reaches(system, order_sn, ORDER_REFUNDED)
    row = payment(system, number)
    assert (row["pay_status"], row["refunded_fen"]) == (2, row["total_fen"])
    assert (books(system, number)["refunded"], books(system, number)["held"]) == (row["total_fen"], 0)
    assert [refund["state"] for refund in refunds(system, number)] == ["succeeded"]


def test_a_buyer_whose_money_is_back_is_told_so_once(system, paid):
    order_sn, number = paid
    eventually(lambda: tasks(system, order_sn) == {"paid": "sent", "before_arrival": "sent"}, what="both messages")

    ask(system, order_sn)

    [message] = eventually(lambda: told(system, order_sn), what="the message", seconds=30)
    eventually(lambda: tasks(system, order_sn).get("refunded") == "sent", what="the message written down as sent")
    [row] = system.rows(
        "order",
        "select t.created_at, o.title from order_transition t join homestay_order o on o.id = t.order_id"
        " where o.sn = %s and t.to_state = 3",
        order_sn,
    )
    heard = row["created_at"].astimezone(ZoneInfo("Asia/Shanghai"))
    assert message["title"] == "退款成功通知"
    assert message["data"] == {
        "character_string1": order_sn,
        "thing2": row["title"],
        "amount3": yuan(payment(system, number)["total_fen"]),
        "time4": f"{heard.year}年{heard.month}月{heard.day}日 {heard:%H:%M}",
        "thing5": "退款已完成，如未到账请联系房东",
    }
    assert told(system, order_sn) == [message]


def test_a_merchant_who_refuses_can_take_the_guest_in(system, begun):
    order_sn, number = begun
    assert ask(system, order_sn)["refundState"] == "asked"
    code = system.order(order_sn)["tradeCode"]
    held = system.post("/order/v1/merchant/verifyTradeCode", {"tradeCode": code}, "MERCHANT")
    assert held.status_code == 409

    assert decide(system, order_sn, agree=False, note="当日不可退")["refundState"] == "refused"

    detail = system.order(order_sn)
    assert (detail["refundState"], detail["refundNote"]) == ("refused", "当日不可退")
    assert system.data("/order/v1/merchant/verifyTradeCode", {"tradeCode": code}, "MERCHANT")["tradeState"] == USED
    assert refunds(system, number) == []
    assert books(system, number)["held"] == payment(system, number)["total_fen"]


def test_a_merchant_who_agrees_sends_the_money_back(system, begun):
    order_sn, number = begun
    ask(system, order_sn)

    decide(system, order_sn, agree=True)

    reaches(system, order_sn, ORDER_REFUNDED)
    assert books(system, number)["held"] == 0


def test_a_payment_for_a_cancelled_order_is_given_back_by_the_system_itself(system):
    order_sn = book_ahead(system)
    number = system.prepay(order_sn)["paymentSn"]
    # cancelled here while WeChat's order is still open: what a restored database would look like
    system.rows("order", "update homestay_order set trade_state = -1 where sn = %s", order_sn)

    system.tap_pay(number)

    [refund] = ends(system, number, "succeeded")
    assert refund["cause"] == "late-payment"
    assert (books(system, number)["paid"], books(system, number)["held"]) == (payment(system, number)["total_fen"], 0)
    assert system.order(order_sn)["tradeState"] == CANCELLED
    [message] = eventually(lambda: told(system, order_sn), what="the message", seconds=30)
    assert message["title"] == "退款成功通知"
    said = (message["data"]["amount3"], message["data"]["thing5"])
    assert said == (yuan(payment(system, number)["total_fen"]), "订单已取消，该笔付款已退回")


def test_a_merchant_is_told_that_a_refund_waits_for_a_decision(system, begun):
    order_sn, number = begun
    merchant = system.environment["MERCHANT_OPENID"]
    system.wechat.post("/_sim/grant", json={"openid": merchant, "count": 1}).raise_for_status()

    assert ask(system, order_sn)["refundState"] == "asked"

    def messages():
        found = system.wechat.get("/_sim/messages", params={"openid": merchant}).json()["messages"]
        return [each for each in found if each["data"]["character_string1"] == order_sn]

    [message] = eventually(messages, what="the merchant's message", seconds=30)
    [row] = system.rows("order", "select refund_opened_at from homestay_order where sn = %s", order_sn)
    by = (row["refund_opened_at"] + timedelta(days=1)).astimezone(ZoneInfo("Asia/Shanghai"))
    assert message["title"] == "退款申请提醒"
    assert message["data"]["amount3"] == yuan(payment(system, number)["total_fen"])
    assert message["data"]["time4"] == f"{by.year}年{by.month}月{by.day}日 {by:%H:%M}"
    eventually(lambda: tasks(system, order_sn).get("refund_asked") == "sent", what="written down as sent")


def test_a_second_payment_of_one_order_is_given_back_by_the_system_itself(system):
    order_sn = book_ahead(system)
    first = system.prepay(order_sn)["paymentSn"]
    # closed here and not at WeChat: so the buyer's phone can still pay it
    system.rows("payment", "update third_payment set pay_status = -1, prepay_id = null where sn = %s", first)
    second = pay(system, order_sn)
    reaches(system, order_sn, WAIT_USE)
    assert second != first

    system.tap_pay(first)

    [refund] = ends(system, first, "succeeded")
    assert refund["cause"] == "duplicate-payment"
    assert books(system, first)["held"] == 0
    assert books(system, second)["held"] == payment(system, second)["total_fen"]
    assert system.order(order_sn)["tradeState"] == WAIT_USE


@pytest.mark.parametrize(
    "name",
    [
        "api-5xx",
        "api-5xx-after",
        "api-drop-after",
        "api-429",
        "api-signtest",
        "api-bad-signature",
        "api-other-key",
        "api-slow",
    ],
)
def test_whatever_happens_to_the_answer_there_is_one_refund(system, paid, name):
    order_sn, number = paid
    with fault(system, name, POSTED):
        ask(system, order_sn)
        ends(system, number, "succeeded")

    row = payment(system, number)
    assert (books(system, number)["refunded"], row["refunded_fen"]) == (row["total_fen"], row["total_fen"])
    reaches(system, order_sn, ORDER_REFUNDED)


def test_an_empty_account_lets_the_refund_wait_and_flags_it_for_review(system, paid):
    order_sn, number = paid
    with fault(system, "refund-not-enough", number):
        ask(system, order_sn)
        [notice] = eventually(
            lambda: system.rows("payment", "select * from provider_notice where out_trade_no = %s", number),
            what="the alert",
        )
    assert notice["reason"] == "refund_no_funds"

    ends(system, number, "succeeded")

    [notice] = system.rows("payment", "select * from provider_notice where out_trade_no = %s", number)
    assert (notice["state"], books(system, number)["held"]) == ("resolved", 0)


def test_a_number_that_wechat_closes_is_followed_by_another_one(system, paid):
    order_sn, number = paid
    with fault(system, "refund-closed", number):
        ask(system, order_sn)
        old, new = ends(system, number, "closed", "succeeded")

    assert (old["request_sn"], old["attempt"], new["attempt"]) == (new["request_sn"], 1, 2)
    assert books(system, number)["held"] == 0
    reaches(system, order_sn, ORDER_REFUNDED)


def test_an_abnormal_refund_is_seen_and_ends_when_an_operator_ends_it(system, paid):
    order_sn, number = paid
    with fault(system, "refund-abnormal", number):
        ask(system, order_sn)
        [refund] = ends(system, number, "abnormal")
    assert refund["problem"]
    assert system.order(order_sn)["refundOpen"] is True

    finished = system.wechat.post("/_sim/refund/finish", json={"out_refund_no": refund["sn"], "ending": "success"})
    assert finished.is_success, finished.text

    ends(system, number, "succeeded")
    reaches(system, order_sn, ORDER_REFUNDED)


def test_a_lost_callback_of_a_refund_is_made_good_by_asking(system, paid):
    order_sn, number = paid
    with fault(system, "callback-lost", number):
        ask(system, order_sn)
        ends(system, number, "succeeded")

    assert books(system, number)["held"] == 0


@pytest.mark.parametrize(
    "name", ["callback-doubled", "callback-signtest", "callback-bad-signature", "callback-other-key"]
)
def test_a_troubled_callback_of_a_refund_counts_once(system, paid, name):
    order_sn, number = paid
    with fault(system, name, number):
        ask(system, order_sn)
        ends(system, number, "succeeded")

    [refund] = refunds(system, number)
    steps = system.rows("payment", "select to_state from refund_transition where refund_id = %s", refund["id"])
    assert [row["to_state"] for row in steps].count("succeeded") == 1
    assert payment(system, number)["refunded_fen"] == books(system, number)["refunded"]


def test_parts_are_refunded_and_the_order_hears_of_it_when_all_is_back(system, paid):
    order_sn, number = paid
    total = payment(system, number)["total_fen"]
    shares = (100, 200, total - 300)

    for done, share in enumerate(shares, start=1):
        assert system.order(order_sn)["tradeState"] == WAIT_USE
        assert ask_refund(system, order_sn, number, share, request_sn()).status_code == 200
        ends(system, number, *["succeeded"] * done)
        assert books(system, number)["held"] == total - sum(shares[:done])
        assert payment(system, number)["refunded_fen"] == sum(shares[:done])
        eventually(lambda: told(system, order_sn), what="the message", seconds=30)

    reaches(system, order_sn, ORDER_REFUNDED)
    # A message for each part and, with the last one, for all of it, while the guest's permissions last: one of this order,
    # and what others have left.
    amounts = [message["data"]["amount3"] for message in told(system, order_sn)]
    wanted = [yuan(fen) for fen in (*shares[:-1], total)]
    assert sorted(amounts) == sorted(wanted[: len(amounts)])
    assert payment(system, number)["pay_status"] == 2
    over = ask_refund(system, order_sn, number, 1, request_sn())
    assert over.json() == {"status": "SUCCESS"}, "it is rejected by an event, refund-failed"
    assert len(refunds(system, number)) == len(shares)


def test_the_second_of_two_parts_waits_for_its_minute(system, paid):
    order_sn, number = paid
    for share in (100, 200):
        assert ask_refund(system, order_sn, number, share, request_sn()).status_code == 200

    def waits():
        sent, second = refunds(system, number)
        return sent["sent_at"] and (second["due_at"] - sent["sent_at"]).total_seconds() == 60

    eventually(waits, what="the second part waits")
    assert inside(system, "/jobs/payment-retry-refunds").status_code == 200
    assert refunds(system, number)[1]["sent_at"] is None
