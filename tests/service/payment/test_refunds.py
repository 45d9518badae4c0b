"""Refunds: given back once, to the fen, whoever asks and however often WeChat says so."""

import asyncio
import json

import pytest
from sqlalchemy import text

from payment.ledger.refunds import COMPARED_FIELDS
from tests.service.payment.conftest import BUYER, ORDER, payable
from tests.service.payment.refunding import (  # noqa: F401 - the fixture `paid` is used by its name
    REFUND_CALLBACK,
    ask,
    end,
    events,
    hear,
    in_state,
    nobody_is_at_it,
    request_sn,
    settled_payment,
    tick,
)
from tests.service.payment.test_callback import CALLBACK, JSON, rows
from tests.service.payment.test_checkout import BODY, PREPAY, payments
from tests.support.async_waiting import eventually


async def test_a_whole_refund_goes_to_wechat_at_once_and_its_callback_ends_it(http, wechat, db, paid):
    assert (await ask(http, paid)).json()["state"] == "requested"
    [refund] = await in_state(db, "accepted")
    [sent] = wechat.requests
    assert sent.content.decode() == refund["request"]
    assert json.loads(sent.content) == {
        "out_trade_no": paid,
        "out_refund_no": refund["sn"],
        "reason": "行程有变",
        "notify_url": "https://minsu.example/payment/v1/thirdPayment/thirdPaymentWxRefundCallback",
        "amount": {"refund": 19900, "total": 19900, "currency": "CNY"},
    }

    answer = await end(http, wechat, refund["sn"], "SUCCESS")

    assert (answer.status_code, answer.content) == (204, b"")
    [payment] = await payments(db)
    assert (payment["pay_status"], payment["refunded_fen"], payment["version"]) == (2, 19900, 3)
    assert await events(db) == [1, 2]
    [refund] = await rows(db, "refund")
    assert refund["success_time"].isoformat() == "2026-11-23T02:00:05+00:00"
    steps = [
        (row["seq"], row["from_state"], row["to_state"]) for row in await rows(db, "refund_transition order by seq")
    ]
    assert steps == [(2, "requested", "accepted"), (3, "accepted", "succeeded")]


async def test_parts_tell_nobody_until_their_sum_is_the_total(http, wechat, db, paid):
    wechat.refund_ends = "SUCCESS"
    for number, fen in enumerate((5000, 4900, 10000), start=1):
        assert await events(db) == [1]
        assert (await ask(http, paid, fen, number)).status_code == 200
        await in_state(db, *["succeeded"] * number)
        [payment] = await payments(db)
        assert payment["refunded_fen"] == 19900 - wechat.held(paid)

    [payment] = await payments(db)
    assert (payment["pay_status"], payment["refunded_fen"]) == (2, 19900)
    assert await events(db) == [1, 2]


async def test_copies_of_the_callback_on_both_paths_give_back_once(http, wechat, db, paid):
    await ask(http, paid, 5000)
    [refund] = await in_state(db, "accepted")
    copies = [wechat.refund_notice(refund["sn"], "SUCCESS") for _ in range(10)]

    answers = await asyncio.gather(
        *(
            http.post(path, content=body, headers={**JSON, **headers})
            for headers, body in copies
            for path in (REFUND_CALLBACK, CALLBACK)
        )
    )

    assert {answer.status_code for answer in answers} == {204}
    [payment] = await payments(db)
    assert (payment["refunded_fen"], payment["pay_status"]) == (5000, 1)
    assert len(await rows(db, "refund_transition")) == 2


async def test_requests_side_by_side_never_ask_for_more_than_was_paid(http, wechat, db, paid):
    wechat.refund_ends = "SUCCESS"

    answers = await asyncio.gather(*(ask(http, paid, 9000, number) for number in range(1, 6)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {104010}
    await in_state(db, "succeeded", "succeeded")
    assert (await payments(db))[0]["refunded_fen"] == 18000


async def test_the_same_request_is_the_same_refund_and_another_under_its_number_is_refused(http, db, paid):
    first, again, other = await ask(http, paid), await ask(http, paid), await ask(http, paid, 1)

    assert first.json()["sn"] == again.json()["sn"]
    assert (other.status_code, other.json()["code"]) == (409, 104012)
    assert len(await rows(db, "refund")) == 1


async def test_orders_event_comes_twice_and_is_one_refund(http, wechat, db, paid):
    wechat.refund_ends = "SUCCESS"

    assert [await hear(http, paid), await hear(http, paid)] == ["SUCCESS", "SUCCESS"]

    await in_state(db, "succeeded")
    assert len(wechat.refunds) == 1


async def test_an_event_that_our_books_do_not_allow_goes_to_the_dead_letters(http, wechat, db, paid):
    assert await hear(http, paid, fen=19901) == "DROP"
    assert await hear(http, "PMT2026112309310000000000") == "DROP"
    assert await rows(db, "refund") == []
    assert wechat.requests == []


async def test_an_unpaid_payment_is_not_refunded(http, tokens, wechat, db):
    number = (await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))).json()["data"]["paymentSn"]

    answer = await ask(http, number)

    assert (answer.status_code, answer.json()["code"]) == (409, 104009)
    assert await rows(db, "refund") == []


async def test_a_lost_callback_is_made_good_by_asking(http, wechat, db, paid):
    await ask(http, paid)
    [refund] = await in_state(db, "accepted")
    wechat.refunds[refund["sn"]]["status"] = "SUCCESS"

    await tick(http, db)

    await in_state(db, "succeeded")
    assert (await payments(db))[0]["pay_status"] == 2
    assert [request.method for request in wechat.requests] == ["POST", "GET"]


MISFITS = [
    ({"amount": {"refund": 5001, "total": 19900}}, "refund_amount"),
    ({"amount": {"refund": 5000, "total": 5000}}, "refund_amount"),
    ({"amount": {"refund": 5000, "total": 19900, "currency": "USD"}}, "refund_currency"),
    ({"mchid": "1900000999"}, "refund_mchid"),
    ({"transaction_id": "4200000000000000000000000000"}, "refund_transaction"),
    ({"refund_id": "50300000000000000000"}, "refund_id"),
    ({"out_refund_no": "RFD2026112310000000000000"}, "refund_unknown"),
    ({"out_trade_no": "PMT2026112309310000000000"}, "refund_unknown"),
]


@pytest.mark.parametrize(("changes", "reason"), MISFITS)
async def test_a_verified_word_that_does_not_fit_is_kept_for_review_and_changes_nothing(
    http, wechat, db, paid, changes, reason
):
    await ask(http, paid, 5000)
    [before] = await in_state(db, "accepted")

    for _ in range(2):
        answer = await end(http, wechat, before["sn"], "SUCCESS", **changes)
        assert answer.status_code == 204

    assert (await rows(db, "refund"))[0]["state"] == "accepted"
    assert (await payments(db))[0]["refunded_fen"] == 0
    [notice] = await rows(db, "provider_notice")
    assert (notice["reason"], notice["seen"], notice["state"]) == (reason, 2, "needs_review")


async def test_a_refund_told_of_under_another_payment_is_kept_for_review(http, wechat, tokens, sidecar, db, paid):
    await ask(http, paid, 5000)
    [before] = await in_state(db, "accepted")
    sidecar.answer("order", "/internal/payable", payable(orderSn="HSO2026112309302687654321"))
    prepaid = await http.post(
        PREPAY, json=BODY | {"orderSn": "HSO2026112309302687654321"}, headers=tokens.bearer(BUYER)
    )

    answer = await end(http, wechat, before["sn"], "SUCCESS", out_trade_no=prepaid.json()["data"]["paymentSn"])

    assert answer.status_code == 204
    assert (await rows(db, "refund"))[0]["state"] == "accepted"
    assert [row["refunded_fen"] for row in await payments(db)] == [0, 0]
    assert [row["reason"] for row in await rows(db, "provider_notice")] == ["refund_payment"]


def test_every_compared_field_of_a_refund_has_its_misfit_above():
    assert {each.reason for each in COMPARED_FIELDS} <= {reason for _, reason in MISFITS} | {"refund_payment"}


async def test_an_answer_about_another_refund_says_nothing_about_ours(http, wechat, db, paid):
    """Both the refund's answer and the query's are signed, and about a number that was not asked about."""
    wechat.refund_ends = "SUCCESS"
    shown = wechat._refund_shown

    def of_another(number):
        wechat.refunds[number] |= {"out_refund_no": "RFD2026112310000000000000"}
        return shown(number)

    wechat._refund_shown = of_another
    await ask(http, paid, 5000)

    await eventually(lambda: rows(db, "refund where tries > 0"), what="the refund was tried")
    await eventually(lambda: nobody_is_at_it(db), what="the try has ended")
    await in_state(db, "requested")
    assert (await payments(db))[0]["refunded_fen"] == 0
    assert await rows(db, "provider_notice") == []


async def test_two_refunds_of_one_payment_are_a_minute_apart(settings, wechat, tokens, sidecar, db):
    from payment.main import create_app
    from servicekit.testing import client
    from tests.service.payment.conftest import secrets_of

    patient = settings.model_copy(update={"refund_spacing_seconds": 60})
    wechat.refund_ends = "SUCCESS"
    app = create_app(patient, secrets_of(wechat), sidecar=sidecar, verifier=tokens.verifier(), wechat_transport=wechat)
    async with client(app) as http:
        number = (await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))).json()["data"]["paymentSn"]
        wechat.pay(number)
        headers, body = wechat.callback(wechat.transaction(number))
        await http.post(CALLBACK, content=body, headers={**JSON, **headers})
        await ask(http, number, 5000, 1)
        await in_state(db, "succeeded")
        await ask(http, number, 5000, 2)
        query = "refund where state = 'requested' and tries > 0 and sent_at is null"
        [waiting] = await eventually(lambda: rows(db, query), what="the second refund waits")
        [payment] = await payments(db)
        assert (waiting["next_attempt_at"] - payment["refund_sent_at"]).total_seconds() >= 60
        assert len(wechat.refunds) == 1

        async with db.transaction() as tx:
            await tx.execute(text("update third_payment set refund_sent_at = now() - interval '61 seconds'"))
        await tick(http, db)
        await in_state(db, "succeeded", "succeeded")


async def test_the_fifty_first_refund_of_a_payment_is_refused(http, wechat, db, paid):
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "insert into refund (sn, request_sn, attempt, payment_sn, order_sn, refund_fen, cause, reason, state,"
                " version, next_attempt_at, tries) select 'RFD' || n, 'RFR' || n, 1, :sn, :order, 1, 'x', '', 'closed',"
                " 1, now(), 0 from generate_series(1, 50) n"
            ),
            {"sn": paid, "order": ORDER},
        )

    answer = await ask(http, paid)

    assert (answer.status_code, answer.json()["code"]) == (409, 104011)
    assert wechat.requests == []


async def test_a_payment_seen_refunded_before_it_was_seen_paid_is_settled_first(http, tokens, wechat, db):
    number = (await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))).json()["data"]["paymentSn"]
    wechat.pay(number)
    headers, body = wechat.callback(wechat.transaction(number, trade_state="REFUND"))

    await http.post(CALLBACK, content=body, headers={**JSON, **headers})

    [payment] = await payments(db)
    assert (payment["pay_status"], payment["refunded_fen"]) == (1, 0)
    assert await events(db) == [1]
    assert [row["reason"] for row in await rows(db, "provider_notice")] == ["refund_unknown"]


@pytest.mark.parametrize("content", [None, [], "text", {}, {"mchid": 1}, {"out_refund_no": "a\x00b"}])
async def test_signed_content_that_is_no_refund_is_refused(http, wechat, db, content):
    headers, body = wechat.callback(content, event="REFUND.SUCCESS")

    answer = await http.post(REFUND_CALLBACK, content=body, headers={**JSON, **headers})

    assert (answer.status_code, answer.json()["code"]) == (400, "FAIL")
    assert await rows(db, "provider_notice") == []


async def test_the_history_of_money_cannot_be_rewritten(db, http, wechat, paid):
    await ask(http, paid)
    await in_state(db, "accepted")
    for table in ("payment_transition", "refund_transition"):
        with pytest.raises(Exception, match="append-only"):
            async with db.transaction() as tx:
                await tx.execute(text(f"delete from {table}"))  # noqa: S608 - names of ours
