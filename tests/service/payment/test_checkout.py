"""Prepay: one open payment per order, whatever is clicked and whatever WeChat answers."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

from payment.paying.business import BusinessType
from payment.peers import Payable
from tests.service.payment.support import BODY, BUYER, ORDER, PREPAY, payable, time_from_now, wechat_of
from tests.service.payment.wechat import APPID, OPENID, refusal

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"


async def test_a_prepay_answers_what_the_mini_program_needs_and_writes_one_row(service, wechat):
    answer = (await service.prepay()).json()

    [row] = await service.payments()
    assert answer["code"] == 200
    assert answer["msg"] == "OK"
    data = answer["data"]
    assert set(data) == {"appid", "nonceStr", "paySign", "package", "timestamp", "signType", "paymentSn"}
    assert (data["paymentSn"], data["package"], data["signType"]) == (
        row["sn"],
        f"prepay_id={wechat.prepay_id(row['sn'])}",
        "RSA",
    )
    assert (row["pay_status"], row["total_fen"], row["order_sn"], row["version"]) == (0, 19900, ORDER, 1)
    [request] = wechat.requests
    assert request.content.decode() == row["request"]
    sent = json.loads(request.content)
    assert sent["amount"] == {"total": 19900, "currency": "CNY"}
    assert sent["out_trade_no"] == row["sn"]
    assert sent["description"] == "民宿订单 洱海边的白房子"


async def test_ten_clicks_at_once_open_one_payment(service, wechat):
    answers = await asyncio.gather(*(service.prepay() for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    [row] = await service.payments()
    assert {answer.json()["data"]["paymentSn"] for answer in answers} == {row["sn"]}
    assert {request.content.decode() for request in wechat.requests} == {row["request"]}


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        (payable(userId=2), 404, 104002),
        (payable(payable=False, tradeState=-1), 409, 104003),
    ],
)
async def test_an_order_that_is_not_mine_or_not_payable_is_refused(service, sidecar, wechat, order, status, code):
    sidecar.answer("order", "/internal/payable", order)

    answer = await service.prepay()

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await service.payments() == []
    assert wechat.requests == []


async def test_the_openid_is_asked_for_of_the_mini_program_that_is_paid_in(service, sidecar):
    assert (await service.prepay()).status_code == 200
    asked = [body for app_id, path, body in sidecar.calls if path == "/internal/authByUser"]
    assert asked[-1] == {"userId": BUYER, "authType": "wxMini", "appid": APPID}


async def test_a_user_without_wechat_is_told_to_link_it(service, sidecar):
    sidecar.answer("usercenter", "/internal/authByUser", {"code": 100102}, status=404)

    answer = await service.prepay()

    assert (answer.status_code, answer.json()["msg"]) == (409, "请先授权微信后再支付")
    assert await service.payments() == []


@pytest.mark.parametrize(
    "said",
    [[], "x", {}, {"authKey": 5}, payable(totalFen=-1), payable(closeAt="soon")],
    ids=["list", "text", "empty", "number", "negative amount", "no moment"],
)
@pytest.mark.parametrize("peer", [("order", "/internal/payable"), ("usercenter", "/internal/authByUser")], ids=str)
async def test_a_peer_that_answers_something_else_is_a_503_and_nothing_was_done(service, sidecar, wechat, peer, said):
    sidecar.answer(*peer, said)
    sidecar.let_differ(*peer)

    answer = await service.prepay()

    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, 100106, "1")
    assert await service.payments() == []
    assert wechat.requests == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"orderSn": ORDER, "serviceType": "course"}, "serviceType"),
        ({"orderSn": ORDER}, "serviceType"),
        ({"orderSn": "1' or 1=1", "serviceType": "homestayOrder"}, "orderSn"),
        ({"orderSn": None, "serviceType": "homestayOrder"}, "orderSn"),
        ([], "body"),
    ],
)
async def test_bad_input_names_the_field_and_writes_nothing(service, tokens, wechat, body, field):
    answer = await service.http.post(PREPAY, json=body, headers=tokens.bearer(BUYER))

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["field"] == field
    assert await service.payments() == []
    assert wechat.requests == []


async def test_a_prepay_without_a_token_is_refused(service, wechat):
    answer = await service.http.post(PREPAY, json=BODY)

    assert (answer.status_code, answer.json()["code"]) == (401, 100003)
    assert wechat.requests == []


async def test_a_peer_that_is_down_makes_503_and_no_row(service, sidecar):
    sidecar.answers.clear()

    answer = await service.prepay()

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert await service.payments() == []


async def test_a_time_out_at_wechat_keeps_the_row_and_the_next_try_sends_the_same_bytes(service, wechat):
    wechat.fail_with = [httpx.ReadTimeout("slow")] * 3

    first = await service.prepay()
    second = await service.prepay()

    assert (first.status_code, first.json()["code"]) == (503, 104007)
    assert second.status_code == 200
    [row] = await service.payments()
    assert second.json()["data"]["paymentSn"] == row["sn"]
    assert {request.content.decode() for request in wechat.requests} == {row["request"]}
    assert len(wechat.requests) == 4


FINAL = [
    (400, "PARAM_ERROR"),
    (400, "INVALID_REQUEST"),
    (400, "APPID_MCHID_NOT_MATCH"),
    (400, "MCH_NOT_EXISTS"),
    (403, "NO_AUTH"),
    (403, "TRADE_ERROR"),
    (500, "OPENID_MISMATCH"),
]


@pytest.mark.parametrize(("status", "code"), FINAL)
async def test_a_prepay_that_wechat_refused_for_good_ends_and_the_next_click_sends_new_bytes_under_a_new_number(
    service, wechat, sidecar, status, code
):
    wechat.fail_with = [refusal(status, code)]
    wechat.add_user("oCorrected")

    refused = await service.prepay()
    sidecar.answer("usercenter", "/internal/authByUser", wechat_of(BUYER, "oCorrected"))
    again = await service.prepay()

    assert (refused.status_code, refused.json()["code"]) == (502, 104008)
    assert again.status_code == 200
    first, second = await service.payments()
    assert (first["pay_status"], second["pay_status"]) == (-1, 0)
    assert again.json()["data"]["paymentSn"] == second["sn"] != first["sn"]
    prepays = [json.loads(each.content) for each in wechat.requests if each.url.path.endswith("/jsapi")]
    assert [(each["out_trade_no"], each["payer"]["openid"]) for each in prepays] == [
        (first["sn"], OPENID),
        (second["sn"], "oCorrected"),
    ]


async def test_a_corrected_appid_goes_out_under_a_new_number(serve, settings):
    answers = []
    for changes in ({"wxpay_appid": "wx0000000000000000"}, {}):
        async with serve(**changes) as service:
            answers.append(await service.prepay())
            rows = await service.payments()

    assert [answer.status_code for answer in answers] == [502, 200]
    first, second = rows
    assert [json.loads(row["request"])["appid"] for row in (first, second)] == [
        "wx0000000000000000",
        settings.wxpay_appid,
    ]
    assert answers[1].json()["data"]["paymentSn"] == second["sn"] != first["sn"]


@pytest.fixture
def _long_open(sidecar):
    """The order may be paid for longer than WeChat's cashier takes a prepay_id."""
    sidecar.answer("order", "/internal/payable", payable(closeAt=time_from_now(hours=3)))


@pytest.mark.usefixtures("_long_open")
async def test_a_refused_prepay_whose_order_is_open_at_wechat_is_closed_there_first(service, wechat):
    first = await service.prepaid()
    service.clock.pass_by(hours=2)
    assert wechat.states[first] == "NOTPAY"
    wechat.fail_with = [refusal(400, "INVALID_REQUEST")]

    refused = await service.prepay()
    again = await service.prepay()

    assert refused.status_code == 502
    assert wechat.states[first] == "CLOSED"
    assert again.status_code == 200
    assert [row["pay_status"] for row in await service.payments()] == [-1, 0]


@pytest.mark.usefixtures("_long_open")
async def test_a_refused_prepay_that_turns_out_to_be_paid_is_settled(service, wechat):
    number = await service.prepaid()
    service.clock.pass_by(hours=2)
    wechat.pay(number)
    wechat.fail_with = [refusal(400, "INVALID_REQUEST")]

    answer = await service.prepay()

    assert (answer.status_code, answer.json()["code"]) == (409, 104004)
    assert [(row["sn"], row["pay_status"]) for row in await service.payments()] == [(number, 1)]


@pytest.mark.parametrize(
    "second", [httpx.ReadTimeout("slow"), httpx.Response(404), httpx.Response(502), refusal(401, "SIGN_ERROR")]
)
async def test_without_a_query_that_answers_a_refused_prepay_stays_and_repeats_its_bytes(service, wechat, second):
    wechat.fail_with = [refusal(400, "PARAM_ERROR"), *[second] * (1 if second_is_final(second) else 3)]

    refused = await service.prepay()
    again = await service.prepay()

    assert refused.status_code in {502, 503}
    assert again.status_code == 200
    [row] = await service.payments()
    assert again.json()["data"]["paymentSn"] == row["sn"]
    sent = {each.content.decode() for each in wechat.requests if each.url.path.endswith("/jsapi")}
    assert sent == {row["request"]}


def second_is_final(answer):
    return isinstance(answer, httpx.Response) and answer.status_code == 401


@pytest.mark.parametrize(
    "unclear",
    [
        refusal(500, "SYSTEM_ERROR"),
        httpx.Response(202),
        httpx.Response(400),
        httpx.Response(400, json={"code": "SOMETHING_NEW"}),
    ],
)
async def test_an_outcome_that_is_not_clear_repeats_the_same_bytes(service, wechat, unclear):
    wechat.fail_with = [unclear] * 3

    first = await service.prepay()
    second = await service.prepay()

    assert (first.status_code, first.json()["code"]) == (503, 104007)
    assert second.status_code == 200
    [row] = await service.payments()
    assert {request.content.decode() for request in wechat.requests} == {row["request"]}


async def test_ten_clicks_at_once_on_a_refused_prepay_leave_at_most_one_open_payment(service, wechat):
    wechat.fail_with = [refusal(400, "PARAM_ERROR") for _ in range(4)]

    answers = await asyncio.gather(*(service.prepay() for _ in range(10)))
    last = await service.prepay()

    assert {answer.status_code for answer in answers} <= {200, 502, 503}
    assert last.status_code == 200
    found = await service.payments()
    assert [row["sn"] for row in found if row["pay_status"] == 0] == [last.json()["data"]["paymentSn"]]
    open_there = [number for number, state in wechat.states.items() if state == "NOTPAY"]
    assert open_there == [last.json()["data"]["paymentSn"]]


async def test_a_number_that_is_used_up_unknown_to_the_query_ends_too(service, wechat):
    """Closed before it was ordered, it is used up at WeChat although no order has it."""
    wechat.fail_with = [refusal(400, "ORDER_CLOSED")]

    first = await service.prepay()
    second = await service.prepay()

    assert (first.status_code, second.status_code) == (503, 200)
    assert [row["pay_status"] for row in await service.payments()] == [-1, 0]


async def test_an_answer_with_a_wrong_signature_is_not_believed(service, wechat):
    forged = httpx.Response(200, json={"prepay_id": "wxforged"}, headers=wechat.signature_headers(b"something else"))
    wechat.fail_with = [forged]

    answer = await service.prepay()

    [row] = await service.payments()
    assert answer.json()["data"]["package"] == f"prepay_id={wechat.prepay_id(row['sn'])}"
    assert len(wechat.requests) == 2


async def test_the_status_is_mine_alone(service):
    await service.prepay()

    mine = await service.status()
    others = await service.status(user=2)

    [row] = await service.payments()
    assert mine.json()["data"] == {"sn": row["sn"], "payStatus": 0, "tradeState": "NOTPAY", "payTime": 0}
    assert (others.status_code, others.json()["code"]) == (404, 104006)


class ShopPeer:
    """app-id `shop`, which answers as order does."""

    def __init__(self, sidecar):
        self._sidecar = sidecar

    async def payable(self, order_sn):
        answer = await self._sidecar.invoke("shop", "POST", "/internal/payable", json={"orderSn": order_sn})
        return Payable.model_validate(answer.json())


async def test_a_shop_is_paid_like_a_homestay_once_it_is_registered(serve, wechat, sidecar):
    """One entry and one peer; the row, the request, the callback and the event are the same."""
    order_sn = "SHP2026112309302612345678"
    sidecar.answer("shop", "/internal/payable", payable(orderSn=order_sn, totalFen=500, title="茶杯"))
    sidecar.let_differ("shop", "/internal/payable")  # no service of ours, it publishes nothing here
    shop = BusinessType("商城订单", ShopPeer(sidecar))
    async with serve(more_business={"shop": shop}) as service:
        answer = await service.prepay(orderSn=order_sn, serviceType="shop")
        refused = await service.prepay(orderSn=order_sn, serviceType="course")
        number = answer.json()["data"]["paymentSn"]
        wechat.pay(number)
        headers, callback = wechat.notification(number)
        settled = await service.deliver(headers, callback)

    assert settled.status_code == 204
    [event] = [row["event"] for row in await service.rows("outbox")]
    schema = json.loads((CONTRACTS / "events/paystatus-updated.v2.schema.json").read_text())
    Draft202012Validator(schema).validate(event["data"])
    assert (event["data"]["orderSn"], event["data"]["serviceType"]) == (order_sn, "shop")
    assert answer.status_code == 200, answer.text
    [row] = await service.payments()
    assert (row["service_type"], row["order_sn"], row["total_fen"]) == ("shop", order_sn, 500)
    assert json.loads(wechat.requests[0].content)["description"] == "商城订单 茶杯"
    assert refused.status_code == 422
    assert "homestayOrder, shop" in refused.json()["detail"]
