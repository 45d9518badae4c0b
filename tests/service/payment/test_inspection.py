"""Operators find a payment by any of its numbers, see how it went, and query WeChat about it."""

import httpx
import pytest

from tests.service.payment.support import OPERATOR, ORDER
from tests.service.payment.wechat import refusal


async def data(service, name, body):
    response = await service.desk(name, body)
    assert response.status_code == 200, response.text
    return response.json()["data"]


async def test_a_payment_is_found_by_each_of_its_numbers(service, wechat):
    number = await service.settled()
    [payment] = await service.payments()
    for known in (number, ORDER, payment["transaction_id"]):
        [found] = (await data(service, "paymentFind", {"number": known}))["list"]
        assert (found["sn"], found["orderSn"], found["payStatus"]) == (number, ORDER, 1)
    assert await data(service, "paymentFind", {"number": "4200000000000000000000000000"}) == {"list": []}


@pytest.mark.parametrize("number", ["", "abc", "x" * 65, "a b c d", "一二三四"])
async def test_what_is_no_number_is_refused(service, number):
    assert (await service.desk("paymentFind", {"number": number})).status_code == 422


async def test_the_steps_of_a_payment_tell_its_verdict_and_where_it_came_from(service):
    number = await service.settled()
    [payment] = await service.payments()
    told = await data(service, "paymentSteps", {"orderSn": ORDER})
    assert [each["sn"] for each in told["payments"]] == [number]
    assert (told["payments"][0]["nextQueryAt"], told["refunds"], told["notices"], told["payout"]) == (None, [], [], [])
    steps = {each["what"]: each for each in told["steps"]}
    assert sorted(each["what"] for each in told["steps"]) == [
        "paid_at_wechat",
        "payment_created",
        "payment_status",
        "prepaid",
    ]
    status = steps["payment_status"]
    assert (status["number"], status["before"], status["after"], status["source"]) == (number, "0", "1", "callback")
    assert (steps["payment_created"]["fen"], steps["paid_at_wechat"]["detail"]) == (19900, payment["transaction_id"])


async def test_a_notice_is_a_step(service, wechat):
    paid = await service.paid()
    transaction = wechat.transaction(paid)
    transaction["amount"]["total"] += 1
    assert (await service.deliver(*wechat.callback(transaction))).status_code == 204
    told = await data(service, "paymentSteps", {"orderSn": ORDER})
    [flagged] = [each for each in told["steps"] if each["what"] == "flagged"]
    assert (flagged["number"], flagged["after"], flagged["detail"]) == (paid, "needs_review", "amount")
    assert [each["reason"] for each in told["notices"]] == ["amount"]


async def test_an_order_without_a_payment_has_no_steps(service):
    nothing = {"payments": [], "refunds": [], "notices": [], "payout": [], "steps": []}
    assert await data(service, "paymentSteps", {"orderSn": ORDER}) == nothing


async def test_a_payment_whose_callback_was_lost_is_settled_by_a_query_with_who_and_why(service):
    number = await service.paid()  # at WeChat alone
    [before] = (await data(service, "paymentFind", {"number": number}))["list"]
    [row] = await service.payments()
    assert (before["payStatus"], before["traceId"]) == (0, row["traceparent"].split("-")[1])

    after = await data(service, "paymentQuery", {"paymentSn": number, "note": "买家来电"})

    assert (after["payStatus"], after["tradeState"], after["transactionId"] is not None) == (1, "SUCCESS", True)
    assert after["askedAt"] is not None
    steps = (await data(service, "paymentSteps", {"orderSn": ORDER}))["steps"]
    [status] = [each for each in steps if each["what"] == "payment_status"]
    assert status["source"] == "query"
    [act] = [each for each in steps if each["what"] == "act"]
    assert (act["after"], act["source"], act["detail"]) == ("query-payment", f"operator:{OPERATOR}", "买家来电")
    assert len(await service.rows("outbox")) == 1

    again = await data(service, "paymentQuery", {"paymentSn": number, "note": "why"})
    assert again["version"] == after["version"]
    assert len(await service.rows("outbox")) == 1


async def test_while_wechat_does_not_respond_nothing_is_changed_but_the_act_is_kept(service, wechat):
    number = await service.paid()
    wechat.fail_with = [httpx.ConnectTimeout("in this test")] * 9
    response = await service.desk("paymentQuery", {"paymentSn": number, "note": "n"})
    assert (response.status_code, response.json()["code"]) == (503, 104007)
    [payment] = await service.payments()
    assert (payment["pay_status"], payment["asked_at"]) == (0, None)
    assert len(await service.rows("operator_act")) == 1


async def test_a_query_that_wechat_refuses_is_told(service, wechat):
    number = await service.paid()
    wechat.fail_with = [refusal(403, "NO_AUTH", "no permission")] * 9
    response = await service.desk("paymentQuery", {"paymentSn": number, "note": "n"})
    assert (response.status_code, response.json()["code"]) == (409, 104023)
    [payment] = await service.payments()
    assert (payment["pay_status"], payment["asked_at"]) == (0, None)


async def test_a_payment_that_does_not_exist_is_not_queried(service):
    response = await service.desk("paymentQuery", {"paymentSn": "PMT2026112309310000000000", "note": "n"})
    assert (response.status_code, response.json()["field"]) == (404, "paymentSn")
    assert await service.rows("operator_act") == []


@pytest.mark.parametrize("name", ["paymentFind", "paymentSteps", "paymentQuery"])
async def test_only_operators_look(service, name):
    assert (await service.desk(name, {}, "buyer", "merchant")).status_code == 403
