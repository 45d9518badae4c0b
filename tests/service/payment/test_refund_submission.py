"""Carrying refunds out: given back once, to the fen, whatever WeChat answers."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from tests.service.payment.refunding import (  # noqa: F401 - the fixture `paid` is used by its name
    ask,
    end,
    in_state,
    request_sn,
    settled_payment,
    tick,
)
from tests.service.payment.wechat import LOST, CarriedOut, refusal
from tests.support.async_waiting import eventually


async def test_a_lost_answer_is_asked_about_and_the_refund_is_not_sent_again(service, wechat, paid):
    wechat.fail_with = [LOST]

    await ask(service, paid)

    [refund] = await in_state(service, "accepted")
    assert [request.method for request in wechat.requests] == ["POST", "GET"]
    assert list(wechat.refund_states) == [refund["sn"]]


async def test_a_request_that_never_arrived_is_repeated_byte_for_byte_after_asking(service, wechat, paid):
    wechat.fail_with = [httpx.ConnectTimeout("gone")]

    await ask(service, paid)
    await eventually(lambda: len(wechat.requests) == 2, what="the question")
    await in_state(service, "requested")
    await tick(service)

    await in_state(service, "accepted")
    assert [request.method for request in wechat.requests] == ["POST", "GET", "GET", "POST"]
    sent = {request.content for request in wechat.requests if request.method == "POST"}
    assert len(sent) == 1


@pytest.mark.parametrize(
    "status_code", [(500, "SYSTEM_ERROR"), (429, "FREQUENCY_LIMITED"), (503, "SERVICE_UNAVAILABLE")]
)
async def test_what_may_pass_is_tried_again_with_the_same_number(service, wechat, paid, status_code):
    status, code = status_code
    wechat.fail_with = [httpx.Response(status, json={"code": code, "message": ""})]
    wechat.refunds_end("SUCCESS")

    await ask(service, paid)
    await eventually(lambda: wechat.requests, what="the first try")
    await asyncio.sleep(0)
    await eventually(lambda: tried(service), what="the first try's end")
    await tick(service)

    [refund] = await in_state(service, "succeeded")
    assert list(wechat.refund_states) == [refund["sn"]]
    assert wechat.held(paid) == 0


async def tried(service):
    """The lease is over: what the try found has been written down."""
    return await service.rows("refund where tries = 1 and leased_until is null")


async def test_an_empty_account_is_told_and_the_refund_waits_for_the_money(service, wechat, paid):
    wechat.sim.faults.set("refund-not-enough", times=1)
    wechat.refunds_end("SUCCESS")

    await ask(service, paid)
    [notice] = await eventually(lambda: service.rows("provider_notice"), what="the alert")
    assert (notice["reason"], notice["state"]) == ("refund_no_funds", "needs_review")
    [refund] = await eventually(lambda: service.rows("refund where problem is not null"), what="the reason")
    assert "NOT_ENOUGH" in refund["problem"]
    await tick(service)

    [refund] = await in_state(service, "succeeded")
    assert (refund["problem"], wechat.held(paid)) == (None, 0)
    assert [row["state"] for row in await service.rows("provider_notice")] == ["resolved"]


async def test_a_final_refusal_ends_the_refund_frees_its_share_and_is_flagged_for_review(service, wechat, paid):
    service.clock.pass_by(days=366)

    await ask(service, paid)

    [refund] = await in_state(service, "closed")
    assert "订单已超过退款期限" in refund["problem"]
    [notice] = await service.rows("provider_notice")
    assert (notice["reason"], notice["out_refund_no"]) == ("refund_refused", refund["sn"])
    assert (await service.payments())[0]["refunded_fen"] == 0
    assert (await ask(service, paid, number=2)).status_code == 200


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403, text="<html>blocked</html>"),
        httpx.Response(400, json={"code": "PARAM_ERROR", "message": "参数错误"}),
        httpx.Response(401, json={"code": "SIGN_ERROR", "message": "签名错误"}),
    ],
    ids=lambda answer: str(answer.status_code),
)
async def test_a_refund_that_wechat_took_is_not_given_up_because_the_question_was_refused(
    service, wechat, paid, answer
):
    """Else the order would go on, the guest use it, and the money be back as well."""
    wechat.fail_with = [LOST, *[answer] * 3]

    await ask(service, paid)

    await eventually(lambda: tried(service), what="the first try's end")
    [refund] = await in_state(service, "requested")
    assert {request.method for request in wechat.requests} == {"POST", "GET"}
    wechat.fail_with = []
    assert await service.rows("outbox where topic = 'payment-refund-failed-topic'") == []
    wechat.end_refund(refund["sn"], "SUCCESS")
    await tick(service)
    await in_state(service, "succeeded")
    assert (wechat.held(paid), (await service.payments())[0]["refunded_fen"]) == (0, 19900)


async def test_a_final_no_to_what_wechat_took_all_the_same_is_not_believed(service, wechat, paid):
    """A refusal is not signed: something between us may refuse what it has let through."""
    wechat.fail_with = [CarriedOut(refusal(403, "USER_ACCOUNT_ABNORMAL"))]

    await ask(service, paid)

    await in_state(service, "accepted")
    assert await service.rows("provider_notice") == []


async def test_a_refund_that_stays_unclear_for_an_hour_is_flagged_for_review_and_retried(service, wechat, db, paid):
    wechat.fail_with = [httpx.ConnectTimeout("gone")] * 40

    await ask(service, paid)
    await eventually(lambda: tried(service), what="the first try's end")
    async with db.transaction() as tx:
        await tx.execute(text("update refund set tries = 6"))
    await tick(service)

    [notice] = await service.rows("provider_notice")
    assert (notice["reason"], notice["state"]) == ("refund_unclear", "needs_review")
    wechat.fail_with = []
    wechat.refunds_end("SUCCESS")
    await tick(service)
    await in_state(service, "succeeded")
    assert [row["state"] for row in await service.rows("provider_notice")] == ["resolved"]


async def test_a_closed_number_goes_on_under_a_new_one_and_the_old_row_stays(service, wechat, paid):
    await ask(service, paid)
    [refund] = await in_state(service, "accepted")
    await end(service, refund["sn"], "CLOSED")
    [old, new] = await in_state(service, "closed", "requested")
    assert (new["request_sn"], new["attempt"]) == (old["request_sn"], 2)
    assert new["sn"] != old["sn"]

    wechat.refunds_end("SUCCESS")
    await tick(service)

    await in_state(service, "closed", "succeeded")
    assert (wechat.held(paid), (await service.payments())[0]["pay_status"]) == (0, 2)
    assert (await ask(service, paid)).json()["sn"] == new["sn"]


async def test_after_three_closed_numbers_the_refund_is_flagged_for_review(service, wechat, paid):
    wechat.refunds_end("CLOSED")

    await ask(service, paid)
    for states in (("closed", "requested"), ("closed", "closed", "requested")):
        await in_state(service, *states)
        await tick(service)

    [_, _, last] = await in_state(service, "closed", "closed", "closed")
    assert last["problem"] == "WeChat closed 3 numbers of this request"
    assert [row["reason"] for row in await service.rows("provider_notice")] == ["refund_closed"]


async def test_an_abnormal_refund_is_kept_visible_and_may_still_succeed(service, wechat, paid):
    await ask(service, paid)
    [refund] = await in_state(service, "accepted")
    await end(service, refund["sn"], "ABNORMAL")
    [refund] = await in_state(service, "abnormal")
    assert refund["problem"]
    assert [row["reason"] for row in await service.rows("provider_notice")] == ["refund_abnormal"]
    assert (await ask(service, paid, 1, 2)).status_code == 409

    wechat.end_refund(refund["sn"], "SUCCESS")
    await tick(service)

    await in_state(service, "succeeded")
    assert [row["state"] for row in await service.rows("provider_notice")] == ["resolved"]
