"""Refunds: given back once, to the fen, whatever WeChat answers and whoever asks."""

import asyncio
import json
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from servicekit.testing import SIDECAR_HEADERS
from tests.service.payment.conftest import BUYER, ORDER
from tests.service.payment.test_callback import CALLBACK, JSON, rows
from tests.service.payment.test_checkout import BODY, PREPAY, payments
from tests.support.async_waiting import eventually

REFUND_CALLBACK = "/payment/v1/thirdPayment/thirdPaymentWxRefundCallback"


@pytest.fixture
async def paid(http, tokens, wechat, db):
    answer = await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))
    number = answer.json()["data"]["paymentSn"]
    wechat.pay(number)
    headers, body = wechat.callback(wechat.transaction(number))
    await http.post(CALLBACK, content=body, headers={**JSON, **headers})
    wechat.requests.clear()
    return number


def request_sn(number=1):
    return f"RFR20261123100000{number:08d}"


async def ask(http, payment_sn, fen=19900, number=1, **changes):
    body = {
        "requestSn": request_sn(number),
        "orderSn": ORDER,
        "paymentSn": payment_sn,
        "refundFen": fen,
        "cause": "buyer",
        "reason": "行程有变",
    }
    return await http.post("/internal/refund", json=body | changes, headers=SIDECAR_HEADERS)


async def hear(http, payment_sn, fen=19900, number=1):
    """Order's event, as the sidecar brings it."""
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "minsu/order",
        "data": {
            "requestSn": request_sn(number),
            "orderSn": ORDER,
            "paymentSn": payment_sn,
            "refundFen": fen,
            "cause": "late-payment",
            "reason": "订单已取消，自动退款",
        },
    }
    answer = await http.post("/events/refund-requested", json=event, headers=SIDECAR_HEADERS)
    return answer.json()["status"]


async def tick(http, db):
    """Whatever waits is due now, and cron comes."""
    await eventually(lambda: nobody_is_at_it(db), what="the try that was under way has put its refund off")
    async with db.transaction() as tx:
        await tx.execute(text("update refund set next_attempt_at = now() - interval '1 second'"))
    answer = await http.post("/jobs/payment-retry-refunds", headers=SIDECAR_HEADERS)
    return answer.json()["claimed"]


async def nobody_is_at_it(db):
    """No refund is leased: a try that ended has written another time than the lease's."""
    leased = "tries > 0 and next_attempt_at between now() + interval '150 seconds' and now() + interval '180 seconds'"
    return not await rows(db, f"refund where state in ('requested', 'accepted', 'abnormal') and {leased}")


async def in_state(db, *states):
    """Waits until the refunds, oldest first, have these states."""

    async def reached():
        found = await rows(db, "refund order by id")
        return found if tuple(row["state"] for row in found) == states else None

    return await eventually(reached, what=f"refunds {states}")


async def end(http, wechat, number, status, path=REFUND_CALLBACK, **changes):
    headers, body = wechat.refund_notice(number, status, **changes)
    return await http.post(path, content=body, headers={**JSON, **headers})


async def events(db):
    return [row["event"]["data"]["payStatus"] for row in await rows(db, "outbox order by id")]


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


async def test_a_lost_answer_is_asked_about_and_the_refund_is_not_sent_again(http, wechat, db, paid):
    wechat.lose_answers = 1

    await ask(http, paid)

    [refund] = await in_state(db, "accepted")
    assert [request.method for request in wechat.requests] == ["POST", "GET"]
    assert list(wechat.refunds) == [refund["sn"]]


async def test_a_request_that_never_arrived_is_repeated_byte_for_byte_after_asking(http, wechat, db, paid):
    wechat.fail_with = [httpx.ConnectTimeout("gone")]

    await ask(http, paid)
    await eventually(lambda: len(wechat.requests) == 2, what="the question")
    await in_state(db, "requested")
    await tick(http, db)

    await in_state(db, "accepted")
    assert [request.method for request in wechat.requests] == ["POST", "GET", "GET", "POST"]
    sent = {request.content for request in wechat.requests if request.method == "POST"}
    assert len(sent) == 1


@pytest.mark.parametrize(
    "status_code", [(500, "SYSTEM_ERROR"), (429, "FREQUENCY_LIMITED"), (503, "SERVICE_UNAVAILABLE")]
)
async def test_what_may_pass_is_tried_again_with_the_same_number(http, wechat, db, paid, status_code):
    status, code = status_code
    wechat.fail_with = [httpx.Response(status, json={"code": code, "message": ""})]
    wechat.refund_ends = "SUCCESS"

    await ask(http, paid)
    await eventually(lambda: wechat.requests, what="the first try")
    await asyncio.sleep(0)
    await eventually(lambda: tried(db), what="the first try's end")
    await tick(http, db)

    [refund] = await in_state(db, "succeeded")
    assert list(wechat.refunds) == [refund["sn"]]
    assert wechat.held(paid) == 0


async def tried(db):
    """The lease is over: what the try found has been written down."""
    async with db.read() as session:
        query = (
            "select 1 from refund where tries = 1"
            " and (problem is not null or next_attempt_at < now() + interval '55 seconds')"
        )
        return (await session.execute(text(query))).first()


async def test_an_empty_account_is_told_and_the_refund_waits_for_the_money(http, wechat, db, paid):
    wechat.fail_with = [httpx.Response(403, json={"code": "NOT_ENOUGH", "message": "基本账户余额不足"})]
    wechat.refund_ends = "SUCCESS"

    await ask(http, paid)
    [notice] = await eventually(lambda: rows(db, "provider_notice"), what="the alert")
    assert (notice["reason"], notice["state"]) == ("refund_no_funds", "needs_review")
    [refund] = await eventually(lambda: rows(db, "refund where problem is not null"), what="the reason")
    assert "NOT_ENOUGH" in refund["problem"]
    await tick(http, db)

    [refund] = await in_state(db, "succeeded")
    assert (refund["problem"], wechat.held(paid)) == (None, 0)
    assert [row["state"] for row in await rows(db, "provider_notice")] == ["resolved"]


async def test_a_final_refusal_ends_the_refund_frees_its_share_and_calls_a_person(http, wechat, db, paid):
    wechat.fail_with = [httpx.Response(400, json={"code": "INVALID_REQUEST", "message": "订单已超过退款期限"})]

    await ask(http, paid)

    [refund] = await in_state(db, "closed")
    assert "订单已超过退款期限" in refund["problem"]
    [notice] = await rows(db, "provider_notice")
    assert (notice["reason"], notice["out_refund_no"]) == ("refund_refused", refund["sn"])
    assert (await payments(db))[0]["refunded_fen"] == 0
    assert (await ask(http, paid, number=2)).status_code == 200


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
    http, wechat, db, paid, answer
):
    """Else the order would go on, the guest use it, and the money be back as well."""

    take = wechat._refund

    def taken_then_asked_in_vain(wanted):
        wechat.fail_with = [answer] * 3
        return take(wanted)

    wechat._refund, wechat.lose_answers = taken_then_asked_in_vain, 1

    await ask(http, paid)

    await eventually(lambda: tried(db), what="the first try's end")
    [refund] = await in_state(db, "requested")
    assert {request.method for request in wechat.requests} == {"POST", "GET"}
    wechat.fail_with = []
    assert await rows(db, "outbox where topic = 'payment-refund-failed-topic'") == []
    wechat.refunds[refund["sn"]]["status"] = "SUCCESS"
    await tick(http, db)
    await in_state(db, "succeeded")
    assert (wechat.held(paid), (await payments(db))[0]["refunded_fen"]) == (0, 19900)


async def test_a_final_no_to_what_wechat_took_all_the_same_is_not_believed(http, wechat, db, paid):
    """A refusal is not signed: something between us may refuse what it has let through."""
    take = wechat._refund

    def taken_and_refused(wanted):
        take(wanted)
        return wechat._error(403, "USER_ACCOUNT_ABNORMAL", "")

    wechat._refund = taken_and_refused

    await ask(http, paid)

    await in_state(db, "accepted")
    assert await rows(db, "provider_notice") == []


async def test_a_refund_that_stays_unclear_for_an_hour_calls_a_person_and_goes_on(http, wechat, db, paid):
    wechat.fail_with = [httpx.ConnectTimeout("gone")] * 40

    await ask(http, paid)
    await eventually(lambda: tried(db), what="the first try's end")
    async with db.transaction() as tx:
        await tx.execute(text("update refund set tries = 6"))
    await tick(http, db)

    [notice] = await rows(db, "provider_notice")
    assert (notice["reason"], notice["state"]) == ("refund_unclear", "needs_review")
    wechat.fail_with, wechat.refund_ends = [], "SUCCESS"
    await tick(http, db)
    await in_state(db, "succeeded")
    assert [row["state"] for row in await rows(db, "provider_notice")] == ["resolved"]


async def test_a_closed_number_goes_on_under_a_new_one_and_the_old_row_stays(http, wechat, db, paid):
    await ask(http, paid)
    [refund] = await in_state(db, "accepted")
    await end(http, wechat, refund["sn"], "CLOSED")
    [old, new] = await in_state(db, "closed", "requested")
    assert (new["request_sn"], new["attempt"]) == (old["request_sn"], 2)
    assert new["sn"] != old["sn"]

    wechat.refund_ends = "SUCCESS"
    await tick(http, db)

    await in_state(db, "closed", "succeeded")
    assert (wechat.held(paid), (await payments(db))[0]["pay_status"]) == (0, 2)
    assert (await ask(http, paid)).json()["sn"] == new["sn"]


async def test_after_three_closed_numbers_a_person_is_called(http, wechat, db, paid):
    wechat.refund_ends = "CLOSED"

    await ask(http, paid)
    for states in (("closed", "requested"), ("closed", "closed", "requested")):
        await in_state(db, *states)
        await tick(http, db)

    [_, _, last] = await in_state(db, "closed", "closed", "closed")
    assert last["problem"] == "WeChat closed 3 numbers of this request"
    assert [row["reason"] for row in await rows(db, "provider_notice")] == ["refund_closed"]


async def test_an_abnormal_refund_is_kept_visible_and_may_still_succeed(http, wechat, db, paid):
    await ask(http, paid)
    [refund] = await in_state(db, "accepted")
    await end(http, wechat, refund["sn"], "ABNORMAL")
    [refund] = await in_state(db, "abnormal")
    assert refund["problem"]
    assert [row["reason"] for row in await rows(db, "provider_notice")] == ["refund_abnormal"]
    assert (await ask(http, paid, 1, 2)).status_code == 409

    wechat.refunds[refund["sn"]]["status"] = "SUCCESS"
    await tick(http, db)

    await in_state(db, "succeeded")
    assert [row["state"] for row in await rows(db, "provider_notice")] == ["resolved"]


async def test_a_lost_callback_is_made_good_by_asking(http, wechat, db, paid):
    await ask(http, paid)
    [refund] = await in_state(db, "accepted")
    wechat.refunds[refund["sn"]]["status"] = "SUCCESS"

    await tick(http, db)

    await in_state(db, "succeeded")
    assert (await payments(db))[0]["pay_status"] == 2
    assert [request.method for request in wechat.requests] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": {"refund": 5001, "total": 19900}}, "refund_amount"),
        ({"amount": {"refund": 5000, "total": 5000}}, "refund_amount"),
        ({"mchid": "1900000999"}, "refund_mchid"),
        ({"transaction_id": "4200000000000000000000000000"}, "refund_transaction"),
        ({"refund_id": "50300000000000000000"}, "refund_id"),
        ({"out_refund_no": "RFD2026112310000000000000"}, "refund_unknown"),
        ({"out_trade_no": "PMT2026112309310000000000"}, "refund_unknown"),
    ],
)
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


async def test_two_refunds_of_one_payment_are_a_minute_apart(settings, wechat, tokens, sidecar, db):
    from payment.main import create_app
    from servicekit.testing import client
    from tests.service.payment.conftest import secrets_of

    patient = settings.model_copy(update={"between_refunds_seconds": 60})
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
