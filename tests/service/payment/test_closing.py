"""Closing an order: no payment is possible afterwards, or the money that was faster is settled."""

import httpx
import pytest

from payment.ledger import payment_repository
from tests.service.payment.wechat import refusal


@pytest.fixture
async def number(service):
    return await service.prepaid()


async def test_an_unpaid_payment_is_closed_at_wechat_first(service, wechat, number):
    answer = await service.close()

    assert answer.json()["outcome"] == "closed"
    assert wechat.states[number] == "CLOSED"
    assert [row["pay_status"] for row in await service.payments()] == [-1]
    assert await service.rows("outbox") == []


async def test_when_the_buyer_was_faster_the_payment_is_settled_instead(service, wechat, number):
    wechat.pay(number)

    answer = (await service.close()).json()

    assert answer == {
        "outcome": "paid",
        "paymentSn": number,
        "payTime": f"{wechat.paid_at(number):%Y-%m-%dT%H:%M:%SZ}",
        "totalFen": 19900,
        "version": 2,
    }
    assert [row["pay_status"] for row in await service.payments()] == [1]
    assert len(await service.rows("outbox")) == 1


async def test_an_order_that_was_closed_cannot_be_paid_any_more(service, wechat):
    answer = await service.close()
    refused = await service.prepay()

    assert answer.json()["outcome"] == "neverPaid"
    assert (refused.status_code, refused.json()["code"]) == (409, 104003)
    assert await service.payments() == []
    assert wechat.requests == []


async def test_while_wechat_does_not_answer_closing_is_503_and_may_be_asked_again(service, wechat, number):
    wechat.fail_with = [httpx.ConnectTimeout("gone")] * 3

    first, second = await service.close(), await service.close()

    assert (first.status_code, second.status_code) == (503, 200)
    assert second.json()["outcome"] == "closed"
    assert [row["pay_status"] for row in await service.payments()] == [-1]


async def test_a_callback_between_the_reads_of_the_outcome_is_not_taken_for_closed(
    service, wechat, number, monkeypatch
):
    """The query is behind when WeChat refuses to close, and the callback settles after the ledger was asked who paid."""
    wechat.pay(number)
    wechat.shows(number, trade_state="NOTPAY")
    callback = wechat.notification(number)
    paid_of_order, settled = payment_repository.paid_of_order, []

    async def read_then_settle(session, order_sn):
        found = await paid_of_order(session, order_sn)
        settled.append((await service.deliver(*callback)).status_code)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(payment_repository, "paid_of_order", read_then_settle)
        answer = await service.close()

    assert settled == [204]
    assert (answer.status_code, answer.json()["code"]) == (503, 104007)
    assert [row["pay_status"] for row in await service.payments()] == [1]
    wechat.shows(number)
    assert (await service.close()).json()["outcome"] == "paid"


@pytest.mark.parametrize("transaction", [{"trade_state": "NOTPAY"}, {"amount": {"total": 19901, "currency": "CNY"}}])
async def test_paid_by_wechats_first_answer_and_not_by_the_next_is_neither_closed_nor_paid(
    service, wechat, number, transaction
):
    """The close is refused with ORDERPAID; the query is behind, or does not fit our books: the order must not end."""
    wechat.pay(number)
    wechat.shows(number, **transaction)

    answer = await service.close()

    assert (answer.status_code, answer.json()["code"]) == (503, 104007)
    assert [row["pay_status"] for row in await service.payments()] == [0]
    assert await service.rows("outbox") == []
    wechat.shows(number)
    assert (await service.close()).json()["outcome"] == "paid"


async def test_money_that_arrives_after_the_close_is_settled_and_told(service, wechat, number):
    await service.close()
    wechat.reopen(number)
    wechat.pay(number)
    headers, body = wechat.notification(number)

    answer = await service.deliver(headers, body)

    assert answer.status_code == 204
    assert [(row["pay_status"], row["version"]) for row in await service.payments()] == [(1, 3)]
    [event] = await service.rows("outbox")
    assert event["event"]["data"]["version"] == 3


async def test_an_expired_unpaid_payment_is_closed_by_cron(service, wechat, number):
    service.clock.pass_by(minutes=35)

    await service.job("query-open")

    assert wechat.states[number] == "CLOSED"
    assert [row["pay_status"] for row in await service.payments()] == [-1]


@pytest.fixture
async def lost(service, wechat):
    """A payment whose prepay never reached WeChat."""
    wechat.fail_with = [httpx.ConnectTimeout("gone")] * 3
    await service.prepay()
    [row] = await service.payments()
    return row["sn"]


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"])
async def test_a_number_that_neither_close_nor_query_knows_is_closed(service, wechat, lost, code):
    wechat.fail_with = [refusal(404, code), refusal(404, code)]

    answer = await service.close()

    assert (answer.status_code, answer.json()["outcome"]) == (200, "closed")
    assert [(row["sn"], row["pay_status"], row["version"]) for row in await service.payments()] == [(lost, -1, 2)]
    assert [row["source"] for row in await service.rows("payment_transition")] == ["absent"]
    assert await service.rows("outbox") == []


@pytest.mark.parametrize("second", [httpx.ReadTimeout("slow"), httpx.Response(404), refusal(401, "SIGN_ERROR")])
async def test_a_number_that_only_the_close_does_not_know_stays_open(service, wechat, lost, second):
    wechat.fail_with = [refusal(404, "ORDER_NOT_EXIST"), *[second] * 3]

    answer = await service.close()

    assert (answer.status_code, answer.json()["code"]) == (503, 104007)
    assert [row["pay_status"] for row in await service.payments()] == [0]
    assert await service.rows("payment_transition") == []


async def test_a_number_unknown_to_the_close_and_unpaid_by_the_query_stays_open(service, wechat, number):
    wechat.fail_with = [refusal(404, "ORDER_NOT_EXIST")]

    answer = await service.close()

    assert answer.status_code == 503
    assert [row["pay_status"] for row in await service.payments()] == [0]
    assert wechat.states[number] == "NOTPAY"


async def test_a_number_unknown_to_the_close_and_paid_by_the_query_is_settled(service, wechat, number):
    wechat.pay(number)
    wechat.fail_with = [refusal(404, "ORDER_NOT_EXIST")]

    answer = await service.close()

    assert (answer.json()["outcome"], answer.json()["paymentSn"]) == ("paid", number)
    assert [row["pay_status"] for row in await service.payments()] == [1]


@pytest.mark.parametrize("code", ["ORDER_CLOSED", "ORDERCLOSED"])
async def test_what_is_closed_already_is_closed_at_once(service, wechat, number, code):
    wechat.fail_with = [httpx.Response(400, json={"code": code, "message": "订单已关闭"})]

    answer = await service.close()

    assert (answer.status_code, answer.json()["outcome"]) == (200, "closed")
    assert [row["pay_status"] for row in await service.payments()] == [-1]
    assert len(wechat.requests) == 2, "the prepay and the close: nothing else was asked"


@pytest.mark.parametrize("code", ["USERPAYING", "USER_PAYING"])
async def test_while_the_buyer_types_the_password_the_payment_stays_open(service, wechat, number, code):
    wechat.fail_with = [httpx.Response(202, json={"code": code, "message": "用户支付中，需要输入密码"})]

    first = await service.close()

    assert (first.status_code, first.headers["retry-after"], first.json()["code"]) == (503, "5", 104007)
    assert [(row["pay_status"], row["version"]) for row in await service.payments()] == [(0, 1)]
    assert await service.rows("payment_transition") == []
    wechat.pay(number)
    assert (await service.close()).json()["outcome"] == "paid"
    assert [row["pay_status"] for row in await service.payments()] == [1]


@pytest.mark.parametrize("status", [200, 201, 202, 205, 206, 302, 404])
async def test_only_204_is_closed(service, wechat, number, status):
    headers = wechat.signature_headers(b"") | ({"Location": "https://elsewhere.example"} if status == 302 else {})
    wechat.fail_with = [httpx.Response(status, content=b"", headers=headers)] * 3

    answer = await service.close()

    assert (answer.status_code, answer.json()["code"]) == (503, 104007)
    assert [row["pay_status"] for row in await service.payments()] == [0]
    assert await service.rows("payment_transition") == []


async def test_a_close_that_is_refused_ends_when_the_query_says_closed(service, wechat, number):
    wechat.close_order(number)
    wechat.fail_with = [refusal(403, "TRADE_ERROR")]

    answer = await service.close()

    assert answer.json()["outcome"] == "closed"
    assert [row["pay_status"] for row in await service.payments()] == [-1]


UNDOCUMENTED = [httpx.Response(404), httpx.Response(400, json={"code": "SOMETHING_NEW", "message": ""})]


@pytest.mark.parametrize("said", UNDOCUMENTED)
@pytest.mark.parametrize(("state", "outcome", "status"), [("CLOSED", "closed", -1), ("SUCCESS", "paid", 1)])
async def test_after_an_undocumented_refusal_of_the_close_the_query_ends_it(
    service, wechat, number, said, state, outcome, status
):
    if state == "SUCCESS":
        wechat.pay(number)
    else:
        wechat.close_order(number)
    wechat.fail_with = [said] * 3

    answer = await service.close()

    assert (answer.status_code, answer.json()["outcome"]) == (200, outcome)
    assert [row["pay_status"] for row in await service.payments()] == [status]


@pytest.mark.parametrize("said", UNDOCUMENTED)
async def test_absent_for_the_query_alone_is_an_end_only_when_the_time_to_pay_is_over(service, wechat, lost, said):
    wechat.fail_with = [said] * 3 + [refusal(404, "ORDER_NOT_EXIST")]
    early = await service.close()
    assert (early.status_code, early.json()["code"]) == (503, 104007)
    assert [row["pay_status"] for row in await service.payments()] == [0]
    assert await service.rows("payment_transition") == []

    service.clock.pass_by(minutes=33)
    wechat.fail_with = [said] * 3 + [refusal(404, "ORDER_NOT_EXIST")]
    answer = await service.close()

    assert (answer.status_code, answer.json()["outcome"]) == (200, "closed")
    assert [(row["sn"], row["pay_status"]) for row in await service.payments()] == [(lost, -1)]
    assert [row["source"] for row in await service.rows("payment_transition")] == ["absent"]


async def test_no_answer_to_the_close_is_no_reason_to_ask_the_query(service, wechat, number):
    """It may have been carried out a moment later than the query: the close itself is repeated."""
    wechat.close_order(number)
    wechat.fail_with = [httpx.Response(502)] * 3

    answer = await service.close()

    assert answer.status_code == 503
    assert [row["pay_status"] for row in await service.payments()] == [0]


async def test_a_signed_query_about_another_number_says_nothing_about_ours(service, wechat, number):
    other = wechat.transaction(number, out_trade_no="PMT2026112309310000000000", trade_state="CLOSED")
    signed = wechat.signed(200, other)
    wechat.fail_with = [refusal(403, "TRADE_ERROR"), *[signed] * 3]

    answer = await service.close()

    assert answer.status_code == 503
    assert [row["pay_status"] for row in await service.payments()] == [0]
    assert await service.rows("provider_notice") == []


async def test_an_expired_payment_that_wechat_never_had_is_ended_by_cron(service, wechat, lost):
    service.clock.pass_by(minutes=35)
    wechat.fail_with = [refusal(404, "ORDER_NOT_EXIST")] * 3

    await service.job("query-open")

    assert [(row["sn"], row["pay_status"]) for row in await service.payments()] == [(lost, -1)]


async def test_a_prepay_that_arrives_after_the_close_is_closed_and_not_handed_out(service, wechat, monkeypatch):
    """The close found nothing at WeChat, because the prepay was still on its way there."""

    async def closing_meanwhile(request, handle=wechat.handle_async_request):
        if request.url.path.endswith("/jsapi"):
            wechat.fail_with = [refusal(404, "ORDER_NOT_EXIST")]
            assert (await service.close()).json()["outcome"] == "closed"
        return await handle(request)

    monkeypatch.setattr(wechat, "handle_async_request", closing_meanwhile)

    answer = await service.prepay()

    assert (answer.status_code, answer.json()["code"]) == (409, 104003)
    [row] = await service.payments()
    assert (row["pay_status"], row["prepay_id"]) == (-1, None)
    assert wechat.states[row["sn"]] == "CLOSED"
