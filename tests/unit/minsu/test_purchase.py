"""The steps of a purchase: what is asked of the API, what is made of its answers."""

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minsu import purchase
from minsu.api import Api
from minsu.errors import CommandFailed, Refused
from minsu.sandbox import Sandbox
from tests.unit.minsu.conftest import SN, ok, problem

CREATE = "/order/v1/homestayOrder/createHomestayOrder"
DETAIL = "/order/v1/homestayOrder/userHomestayOrderDetail"
LIST = "/order/v1/homestayOrder/userHomestayOrderList"
PREPAY = "/payment/v1/thirdPayment/thirdPaymentWxPay"
STATUS = "/payment/v1/thirdPayment/thirdPaymentStatus"
PARAMETERS = {
    "appid": "wx1",
    "timestamp": "1764000000",
    "nonceStr": "n",
    "package": "prepay_id=wx201410272009395522657a690389285100",
    "signType": "RSA",
    "paySign": "s",
    "paymentSn": "PMT2026112309302612345678",
}


def order(**members):
    return {
        "id": 7,
        "sn": SN,
        "title": "t",
        "tradeState": 0,
        "tradeCode": "",
        "orderTotalPrice": 933.1,
        "homestayId": 1,
        "liveStartDate": 1795276800,
        "liveEndDate": 1795363200,
        "livePeopleNum": 2,
        "createTime": 1795270000,
        "payTime": 0,
        **members,
    }


@pytest.fixture
def api(world):
    with Api("http://gateway", transport=world.transport) as api:
        yield api


@given(st.integers(min_value=0, max_value=10**12))
def test_yuan_become_exactly_the_fen_they_were_made_of(fen):
    assert purchase.fen(round(fen / 100, 2)) == fen


def test_an_order_begins_tonight_in_china_and_carries_a_key(world, api):
    world.answers[CREATE] = lambda _: ok({"orderSn": SN})
    late_on_the_22nd_in_london = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    request = purchase.BookingRequest(3, nights=2, people=2, food=True)
    assert purchase.create_order(api, request, now=late_on_the_22nd_in_london) == SN
    [(_, body, headers)] = world.asked
    assert body == {
        "homestayId": 3,
        "isFood": True,
        "liveStartTime": int(datetime(2026, 11, 22, 16, tzinfo=UTC).timestamp()),
        "liveEndTime": int(datetime(2026, 11, 24, 16, tzinfo=UTC).timestamp()),
        "livePeopleNum": 2,
        "remark": "",
    }
    assert len(headers["idempotency-key"]) == 36


def test_booking_answers_the_numbers_that_scripts_need(world, api):
    world.answers |= {
        CREATE: lambda _: ok({"orderSn": SN}),
        PREPAY: lambda _: ok(PARAMETERS),
        DETAIL: lambda _: ok(order()),
    }
    assert purchase.book(api, purchase.BookingRequest(1)) == {
        "order_sn": SN,
        "out_trade_no": "PMT2026112309302612345678",
        "total_fen": 93310,
        "prepay_id": "wx201410272009395522657a690389285100",
    }


def test_an_order_is_shown_with_its_payment_or_without_one(world, api):
    world.answers[STATUS] = lambda _: problem(404, type="/problems/payment-not-found", msg="none")
    shown = purchase.order_facts(order(), purchase.payment_status(api, SN))
    assert (shown["pay_status"], shown["out_trade_no"], shown["checkin_code"], shown["paid_at"]) == (None,) * 4
    assert (shown["total_fen"], shown["state"], shown["start"], shown["end"]) == (
        93310,
        "to pay",
        "2026-11-22",
        "2026-11-23",
    )
    world.answers[STATUS] = lambda _: ok({"sn": "PMT1", "payStatus": 1, "tradeState": "SUCCESS", "payTime": 5})
    paid = order(tradeState=1, tradeCode="K7MX4QPA", payTime=1795270009)
    shown = purchase.order_facts(paid, purchase.payment_status(api, SN))
    assert (
        shown["pay_status"],
        shown["out_trade_no"],
        shown["trade_state"],
        shown["checkin_code"],
        shown["paid_at"],
    ) == (
        1,
        "PMT1",
        1,
        "K7MX4QPA",
        1795270009,
    )


def test_paying_hands_wechat_its_own_names_and_waits_for_the_backends_confirmation(world, api):
    states = iter([0, 0, 1])
    world.answers |= {
        PREPAY: lambda _: ok(PARAMETERS),
        "/_sim/request-payment": lambda _: httpx.Response(200, json={"transaction_id": "42"}),
        DETAIL: lambda _: ok(order(tradeState=next(states))),
    }
    paid = purchase.pay(api, Sandbox("http://sim", transport=world.transport), SN, seconds=5, wait=True)
    assert (paid["confirmed"], paid["trade_state"], paid["transaction_id"]) == (True, 1, "42")
    [tap] = [body for path, body, _ in world.asked if path == "/_sim/request-payment"]
    assert tap == {
        "appId": "wx1",
        "timeStamp": "1764000000",
        "nonceStr": "n",
        "package": PARAMETERS["package"],
        "signType": "RSA",
        "paySign": "s",
    }
    assert world.paths().count(DETAIL) == 3


def test_paying_without_waiting_asks_nothing_more(world, api):
    world.answers |= {
        PREPAY: lambda _: ok(PARAMETERS),
        "/_sim/request-payment": lambda _: httpx.Response(200, json={"transaction_id": "42"}),
    }
    paid = purchase.pay(api, Sandbox("http://sim", transport=world.transport), SN, seconds=5, wait=False)
    assert paid["confirmed"] is False
    assert DETAIL not in world.paths()


@pytest.mark.parametrize(("state", "words"), [(-1, "was cancelled"), (0, "in vain")])
def test_an_order_that_does_not_turn_paid_is_a_failure(world, api, state, words):
    world.answers[DETAIL] = lambda _: ok(order(tradeState=state))
    with pytest.raises(CommandFailed, match=words):
        purchase.await_confirmation(api, SN, seconds=0.05)


def test_the_sandboxs_refusal_is_told_in_its_words(world):
    world.answers["/_sim/request-payment"] = lambda _: httpx.Response(409, json={"error": "x", "message": "bad sign"})
    with pytest.raises(CommandFailed, match="bad sign"):
        Sandbox("http://sim", transport=world.transport).request_payment(PARAMETERS)


def test_lists_are_read_page_by_page_until_enough(world, api):
    rows = [order(id=number) for number in range(120, 0, -1)]

    def page(body):
        below = [row for row in rows if not body["lastId"] or row["id"] < body["lastId"]]
        return ok({"list": below[: body["pageSize"]]})

    world.answers[LIST] = page
    assert len(purchase.orders(api, state=-99, count=70)) == 70
    assert [(body["lastId"], body["pageSize"]) for _, body, _ in world.asked] == [(0, 50), (71, 20)]
    assert len(purchase.orders(api, state=-99, count=1000)) == 120


def test_a_homestay_of_the_merchant_is_preferred(world, api):
    offers = [
        {"id": 1, "userId": 5, "stock": 8},
        {"id": 3, "userId": 9, "stock": 1},
        {"id": 2, "userId": 9, "stock": 4},
    ]
    world.answers["/travel/v1/homestay/homestayList"] = lambda _: ok({"list": offers})
    assert purchase.choose_homestay(api, owner_id=9)["id"] == 2
    assert purchase.choose_homestay(api)["id"] == 1
    offers.clear()
    with pytest.raises(CommandFailed, match="no homestay"):
        purchase.choose_homestay(api)


def test_a_problem_becomes_one_line_with_its_detail_and_field(world, api):
    world.answers[CREATE] = lambda _: problem(
        422, type="/problems/too-many-people", msg="人数超限", detail="at most 4", field="livePeopleNum", trace_id="t"
    )
    with pytest.raises(Refused) as refused:
        purchase.create_order(api, purchase.BookingRequest(1, people=9))
    assert str(refused.value) == "人数超限: at most 4 (field livePeopleNum)"
    assert (refused.value.status, refused.value.slug) == (422, "too-many-people")


def test_what_is_not_our_api_is_said_to_be_none(api, world):
    world.answers[CREATE] = lambda _: httpx.Response(200, text="<html>")
    with pytest.raises(CommandFailed, match="is not Minsu's API"):
        purchase.create_order(api, purchase.BookingRequest(1))
