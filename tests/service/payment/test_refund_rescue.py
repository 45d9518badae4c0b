"""Refunds that cannot go on by themselves: an operator sends them another way, or begins them again."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from payment.ledger import refund_repository
from tests.service.payment.refunding import (  # noqa: F401 - the fixture `paid` is used by its name
    ask,
    end,
    hear,
    in_state,
    settled_payment,
    tick,
)
from tests.service.payment.support import OPERATOR, ORDER, REFUND_CALLBACK
from tests.service.payment.wechat import LOST, SERIAL
from tests.support.async_waiting import eventually

CARD = {"bankType": "ICBC_DEBIT", "bankAccount": "6222020200112233445", "realName": "张小明"}
AFTER_HALF_A_MINUTE = "due_at = sent_elsewhere_at + interval '30 seconds'"
NO_SUCH = "RFD2026112310000000000000"


@pytest.fixture
async def abnormal(service, wechat, paid):
    """The number of a refund that WeChat could not give back."""
    await ask(service, paid)
    [refund] = await in_state(service, "accepted")
    await end(service, refund["sn"], "ABNORMAL")
    wechat.requests.clear()
    return refund["sn"]


async def test_an_abnormal_refund_goes_to_a_card_that_is_sealed_and_kept_nowhere(service, desk, wechat, abnormal):
    answer = await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["data"]["state"], answer.json()["data"]["sn"]) == ("abnormal", abnormal)
    assert answer.json()["data"]["sentElsewhereAt"] is not None
    assert wechat.sent_elsewhere == [
        {
            "out_refund_no": abnormal,
            "type": "USER_BANK_CARD",
            "bank_type": "ICBC_DEBIT",
            "bank_account": "6222020200112233445",
            "real_name": "张小明",
        }
    ]
    [request] = wechat.requests
    assert request.headers["Wechatpay-Serial"] == SERIAL
    kept = str(
        [await service.rows(table) for table in ("refund", "operator_act", "provider_notice", "idempotency_key")]
    )
    assert "6222020200112233445" not in kept
    assert "张小明" not in kept
    [act] = await service.rows("operator_act")
    assert (act["operator_id"], act["act"], act["subject"], act["note"]) == (
        OPERATOR,
        "send-refund-elsewhere",
        f"refund:{abnormal}",
        "a card of ICBC_DEBIT: why",
    )

    await end(service, abnormal, "SUCCESS")

    await in_state(service, "succeeded")
    [payment] = await service.payments()
    assert (payment["pay_status"], payment["refunded_fen"], wechat.held(payment["sn"])) == (2, 19900, 0)
    assert [notice["state"] for notice in await service.rows("provider_notice")] == ["resolved"]


async def test_it_may_go_to_the_merchants_own_account(service, desk, wechat, abnormal):
    assert (await desk("refundSendElsewhere", {"refundSn": abnormal, "card": None, "note": "why"})).status_code == 200

    assert wechat.sent_elsewhere == [{"out_refund_no": abnormal, "type": "MERCHANT_BANK_CARD"}]
    assert (await service.rows("operator_act"))[0]["note"] == "the merchant's account: why"


async def test_two_operators_at_once_send_it_once(service, desk, wechat, abnormal):
    answers = await asyncio.gather(
        *(desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"}) for _ in range(5))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {104020}
    assert (len(wechat.sent_elsewhere), len(await service.rows("operator_act"))) == (1, 1)


async def test_the_first_ways_callback_again_does_not_undo_the_second(service, desk, wechat, abnormal):
    headers, body = wechat.refund_notice(abnormal, "ABNORMAL")
    await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})

    assert (await service.deliver(headers, body, REFUND_CALLBACK)).status_code == 204
    await tick(service)  # WeChat says PROCESSING

    [refund] = await service.rows("refund")
    assert (refund["state"], refund["sent_elsewhere_at"] is not None) == ("abnormal", True)
    assert [row["to_state"] for row in await service.rows("refund_transition order by seq")] == ["accepted", "abnormal"]


async def test_when_that_way_fails_too_it_is_flagged_again_and_an_operator_may_try_another(
    service, desk, wechat, abnormal
):
    for times in (1, 2):
        assert (
            await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})
        ).status_code == 200
        wechat.end_refund(abnormal, "ABNORMAL")
        await tick(service)

        [refund] = await service.rows("refund where sent_elsewhere_at is null")
        assert refund["problem"] == "the other way failed as well"
        [notice] = await service.rows("provider_notice where reason = 'refund_abnormal_again'")
        assert (notice["state"], notice["seen"]) == ("needs_review", times)
        assert (await desk("noticeResolve", {"id": notice["id"], "note": "another card"})).status_code == 200

    assert len(wechat.sent_elsewhere) == 2
    assert [row["to_state"] for row in await service.rows("refund_transition order by seq")] == ["accepted", "abnormal"]


async def test_a_question_that_comes_before_the_new_way_is_not_asked(service, desk, wechat, db, abnormal):
    """WeChat's ABNORMAL would be the first way's. Here cron had claimed the refund when the operator sent it."""
    wechat.fail_with = [httpx.ReadTimeout("it is still on its way")]
    assert (await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})).status_code == 503
    asked = len(wechat.requests)
    async with db.transaction() as tx:
        await tx.execute(text("update refund set due_at = now() - interval '1 second'"))

    assert (await service.job("retry-refunds")).json() == {"claimed": 1}

    await eventually(lambda: service.rows(f"refund where {AFTER_HALF_A_MINUTE}"), what="the question is put off")
    assert len(wechat.requests) == asked
    assert await service.rows("provider_notice where reason = 'refund_abnormal_again'") == []


async def test_an_answer_from_before_the_new_way_does_not_put_its_question_off(service, desk, db, abnormal):
    async with db.read() as session:
        seen = await refund_repository.by_sn(session, abnormal)
    await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})

    async with db.transaction() as tx:
        await refund_repository.schedule(tx, seen, service.clock() + timedelta(hours=1), "stale")

    [refund] = await service.rows(f"refund where {AFTER_HALF_A_MINUTE}")
    assert refund["problem"] != "stale"


async def test_wechats_refusal_is_told_and_leaves_the_way_open(service, desk, wechat, abnormal):
    wechat.fail_with = [httpx.Response(400, json={"code": "PARAM_ERROR", "message": "银行卡号错误"})]

    answer = await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})

    assert (answer.status_code, answer.json()["code"]) == (409, 104023)
    assert "银行卡号错误" in answer.json()["detail"]
    assert [row["sent_elsewhere_at"] for row in await service.rows("refund")] == [None]
    assert (await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})).status_code == 200


async def test_a_lost_answer_is_not_sent_again_but_asked_about(service, desk, wechat, abnormal):
    wechat.fail_with = [LOST]

    answer = await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})

    assert (answer.status_code, answer.json()["code"]) == (503, 104007)
    again = await desk("refundSendElsewhere", {"refundSn": abnormal, "card": CARD, "note": "why"})
    assert (again.status_code, again.json()["code"]) == (409, 104020)
    wechat.end_refund(abnormal, "SUCCESS")
    await tick(service)
    await in_state(service, "succeeded")
    assert len(wechat.sent_elsewhere) == 1


async def test_with_certificates_the_newest_one_seals(serve, wechat):
    wechat.use_certificates()
    new = wechat.rotate(after=3600)
    async with serve(wxpay_public_key_id="") as service:
        number = await service.settled()
        await ask(service, number)
        [refund] = await in_state(service, "accepted")
        await end(service, refund["sn"], "ABNORMAL")

        answer = await service.desk("refundSendElsewhere", {"refundSn": refund["sn"], "card": CARD, "note": "why"})

    assert answer.status_code == 200, answer.text
    assert wechat.requests[-1].headers["Wechatpay-Serial"] == new
    assert wechat.sent_elsewhere[0]["real_name"] == "张小明"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"card": CARD}, 422, "refundSn"),
        ({"refundSn": NO_SUCH}, 422, "card"),
        ({"refundSn": NO_SUCH, "card": CARD}, 404, "refundSn"),
        ({"refundSn": NO_SUCH, "card": CARD, "note": None}, 422, "note"),
        ({"refundSn": NO_SUCH, "card": CARD, "note": "  "}, 422, "note"),
        ({"refundSn": NO_SUCH, "card": CARD | {"bankAccount": "62 22"}}, 422, "card.bankAccount"),
        ({"refundSn": NO_SUCH, "card": CARD | {"realName": ""}}, 422, "card.realName"),
        ({"refundSn": NO_SUCH, "card": {"bankType": "ICBC_DEBIT"}}, 422, "card.bankAccount"),
    ],
)
async def test_a_wrong_wish_is_refused_by_its_field(service, desk, wechat, abnormal, body, status, field):
    answer = await desk("refundSendElsewhere", {"note": "why"} | body)

    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert "6222" not in answer.text
    assert (wechat.requests, await service.rows("operator_act")) == ([], [])


async def test_only_an_abnormal_refund_goes_elsewhere(service, desk, wechat, paid):
    await ask(service, paid)
    [refund] = await in_state(service, "accepted")
    wechat.requests.clear()

    answer = await desk("refundSendElsewhere", {"refundSn": refund["sn"], "card": CARD, "note": "why"})

    assert (answer.status_code, answer.json()["code"]) == (409, 104019)
    assert (wechat.requests, await service.rows("operator_act")) == ([], [])


async def test_a_refused_refund_of_a_late_payment_begins_again_under_a_new_number(service, desk, wechat, paid):
    wechat.sim.faults.set("refund-refused", times=1)
    await hear(service, paid)
    [ended] = await in_state(service, "closed")
    wechat.refunds_end("SUCCESS")

    answer = await desk("refundBeginAgain", {"refundSn": ended["sn"], "note": "why"})

    assert answer.status_code == 200, answer.text
    [_, again] = await in_state(service, "closed", "succeeded")
    assert (again["request_sn"], again["attempt"], again["sn"]) == (ended["request_sn"], 2, answer.json()["data"]["sn"])
    assert (wechat.held(paid), (await service.payments())[0]["pay_status"]) == (0, 2)
    assert [notice["state"] for notice in await service.rows("provider_notice")] == ["resolved"]
    assert [act["subject"] for act in await service.rows("operator_act order by id")] == [
        f"refund:{ended['sn']}",
        f"refund:{again['sn']}",
    ]
    twice = await desk("refundBeginAgain", {"refundSn": ended["sn"], "note": "why"})
    assert (twice.status_code, twice.json()["code"]) == (409, 104021)


async def test_what_the_buyer_asked_for_only_the_buyer_asks_for_again(service, desk, wechat, paid):
    wechat.sim.faults.set("refund-refused", times=1)
    await ask(service, paid)
    [ended] = await in_state(service, "closed")

    answer = await desk("refundBeginAgain", {"refundSn": ended["sn"], "note": "why"})

    assert (answer.status_code, answer.json()["code"]) == (409, 104022)
    assert (len(await service.rows("refund")), await service.rows("operator_act")) == (1, [])


@pytest.mark.parametrize(("request_refund", "cause"), [(ask, "buyer"), (hear, "late-payment")])
async def test_a_notice_names_the_cause_of_its_refund(service, desk, wechat, paid, request_refund, cause):
    wechat.sim.faults.set("refund-refused", times=1)
    await request_refund(service, paid)
    [ended] = await in_state(service, "closed")

    [listed] = (await desk("noticeList", {"state": "needs_review"})).json()["data"]["list"]
    [told] = (await desk("paymentSteps", {"orderSn": ORDER})).json()["data"]["notices"]
    resolved = (await desk("noticeResolve", {"id": listed["id"], "note": "why"})).json()["data"]

    for notice in (listed, told, resolved):
        assert (notice["outRefundNo"], notice["refundCause"]) == (ended["sn"], cause)


async def test_order_hears_that_a_refused_request_came_to_nothing(service, wechat, paid):
    wechat.sim.faults.set("refund-refused", times=1)

    await ask(service, paid)

    [refund] = await in_state(service, "closed")
    [told] = await service.rows("outbox where topic = 'payment-refund-failed-topic'")
    assert (told["partition_key"], told["event"]["type"]) == (refund["order_sn"], "minsu.payment.refund-failed.v1")
    assert {name: told["event"]["data"][name] for name in ("requestSn", "orderSn", "paymentSn", "refundFen")} == {
        "requestSn": refund["request_sn"],
        "orderSn": refund["order_sn"],
        "paymentSn": paid,
        "refundFen": 19900,
    }


async def test_order_hears_it_once_when_wechat_closed_every_number(service, wechat, paid):
    wechat.refunds_end("CLOSED")
    await ask(service, paid)
    for states in (("closed", "requested"), ("closed", "closed", "requested")):
        await in_state(service, *states)
        assert await service.rows("outbox where topic = 'payment-refund-failed-topic'") == []
        await tick(service)

    await in_state(service, "closed", "closed", "closed")
    assert len(await service.rows("outbox where topic = 'payment-refund-failed-topic'")) == 1


@pytest.mark.parametrize("name", ["refundList", "refundSendElsewhere", "refundBeginAgain"])
async def test_only_operators_may(desk, abnormal, name):
    assert (await desk(name, {"refundSn": abnormal, "card": None}, "buyer", "merchant")).status_code == 403


async def test_refunds_are_listed_newest_first_and_by_state(desk, abnormal):
    [shown] = (await desk("refundList", {"state": "abnormal"})).json()["data"]["list"]

    assert (shown["sn"], shown["refundFen"], shown["sentElsewhereAt"]) == (abnormal, 19900, None)
    assert shown["problem"] == "WeChat could not return the money to where it came from"
    assert (await desk("refundList", {"state": "succeeded"})).json()["data"]["list"] == []
    assert (await desk("refundList", {"lastId": shown["id"]})).json()["data"]["list"] == []
