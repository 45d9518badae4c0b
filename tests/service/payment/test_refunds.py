"""Refunds: given back once, to the fen, by any requester and however often WeChat says so."""

import asyncio
import json

import pytest
from sqlalchemy import text

from payment.ledger.refunds import COMPARED_FIELDS
from tests.service.payment.refunding import (  # noqa: F401 - the fixture `paid` is used by its name
    ask,
    end,
    events,
    hear,
    in_state,
    no_refund_is_leased,
    request_sn,
    settled_payment,
    tick,
)
from tests.service.payment.support import CALLBACK, ORDER, REFUND_CALLBACK, payable
from tests.support.async_waiting import eventually


async def test_a_whole_refund_goes_to_wechat_at_once_and_its_callback_ends_it(service, wechat, paid):
    assert (await ask(service, paid)).json()["state"] == "requested"
    [refund] = await in_state(service, "accepted")
    [sent] = wechat.requests
    assert sent.content.decode() == refund["request"]
    assert json.loads(sent.content) == {
        "out_trade_no": paid,
        "out_refund_no": refund["sn"],
        "reason": "行程有变",
        "notify_url": "https://minsu.example/payment/v1/thirdPayment/thirdPaymentWxRefundCallback",
        "amount": {"refund": 19900, "total": 19900, "currency": "CNY"},
    }

    answer = await end(service, refund["sn"], "SUCCESS")

    assert (answer.status_code, answer.content) == (204, b"")
    [payment] = await service.payments()
    assert (payment["pay_status"], payment["refunded_fen"], payment["version"]) == (2, 19900, 3)
    assert await events(service) == [(1, 0, 2), (2, 19900, 3)]
    [refund] = await service.rows("refund")
    assert refund["success_time"] == wechat.refunded_at(refund["sn"])
    steps = [
        (row["seq"], row["from_state"], row["to_state"]) for row in await service.rows("refund_transition order by seq")
    ]
    assert steps == [(2, "requested", "accepted"), (3, "accepted", "succeeded")]


async def test_each_part_is_told_with_the_sum_and_the_last_one_ends_the_payment(service, wechat, paid):
    wechat.refunds_end("SUCCESS")
    for number, fen in enumerate((5000, 4900, 10000), start=1):
        assert (await ask(service, paid, fen, number)).status_code == 200
        await in_state(service, *["succeeded"] * number)
        [payment] = await service.payments()
        assert payment["refunded_fen"] == 19900 - wechat.held(paid)

    [payment] = await service.payments()
    assert (payment["pay_status"], payment["refunded_fen"]) == (2, 19900)
    assert await events(service) == [(1, 0, 2), (1, 5000, 3), (1, 9900, 4), (2, 19900, 5)]
    steps = await service.rows("payment_transition order by seq")
    assert [(row["seq"], row["from_status"], row["to_status"]) for row in steps] == [
        (2, 0, 1),
        (3, 1, 1),
        (4, 1, 1),
        (5, 1, 2),
    ]


async def test_copies_of_the_callback_on_both_paths_give_back_once(service, wechat, paid):
    await ask(service, paid, 5000)
    [refund] = await in_state(service, "accepted")
    copies = [wechat.refund_notice(refund["sn"], "SUCCESS") for _ in range(10)]

    answers = await asyncio.gather(
        *(service.deliver(headers, body, path) for headers, body in copies for path in (REFUND_CALLBACK, CALLBACK))
    )

    assert {answer.status_code for answer in answers} == {204}
    [payment] = await service.payments()
    assert (payment["refunded_fen"], payment["pay_status"]) == (5000, 1)
    assert len(await service.rows("refund_transition")) == 2


async def test_requests_side_by_side_never_ask_for_more_than_was_paid(service, wechat, paid):
    wechat.refunds_end("SUCCESS")

    answers = await asyncio.gather(*(ask(service, paid, 9000, number) for number in range(1, 6)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {104010}
    await in_state(service, "succeeded", "succeeded")
    assert (await service.payments())[0]["refunded_fen"] == 18000


async def test_the_same_request_is_the_same_refund_and_another_under_its_number_is_refused(service, paid):
    first, again, other = await ask(service, paid), await ask(service, paid), await ask(service, paid, 1)

    assert first.json()["sn"] == again.json()["sn"]
    assert (other.status_code, other.json()["code"]) == (409, 104012)
    assert len(await service.rows("refund")) == 1


async def test_orders_event_comes_twice_and_is_one_refund(service, wechat, paid):
    wechat.refunds_end("SUCCESS")

    assert [await hear(service, paid), await hear(service, paid)] == ["SUCCESS", "SUCCESS"]

    await in_state(service, "succeeded")
    assert len(wechat.refund_states) == 1


async def test_an_event_that_our_books_do_not_allow_goes_to_the_dead_letters(service, wechat):
    unpaid = await service.prepaid()
    wechat.requests.clear()
    assert await hear(service, unpaid) == "DROP"
    assert await hear(service, "PMT2026112309310000000000") == "DROP"
    assert await service.rows("refund") == []
    assert wechat.requests == []
    assert await told_of_failed(service) == []


async def told_of_failed(service):
    return [row["event"] for row in await service.rows("outbox where topic = 'payment-refund-failed-topic'")]


async def test_order_hears_that_a_request_exceeds_what_is_left(service, wechat, paid):
    assert await hear(service, paid, fen=19901) == "SUCCESS"

    [told] = await told_of_failed(service)
    assert told["type"] == "minsu.payment.refund-failed.v1"
    assert told["data"].pop("failedAt").endswith("Z")
    assert told["data"] == {
        "requestSn": request_sn(),
        "orderSn": ORDER,
        "serviceType": "homestayOrder",
        "paymentSn": paid,
        "refundFen": 19901,
    }
    assert await service.rows("refund") == []
    assert wechat.requests == []


async def test_order_hears_that_a_payment_has_had_all_its_refunds(service, wechat, paid, monkeypatch):
    monkeypatch.setattr("payment.refunding.requests.MAX_REFUNDS", 2)
    wechat.refunds_end("SUCCESS")
    assert [await hear(service, paid, 100, number) for number in (1, 2)] == ["SUCCESS", "SUCCESS"]
    await in_state(service, "succeeded", "succeeded")

    assert [await hear(service, paid, 100, 3), await hear(service, paid, 100, 3)] == ["SUCCESS", "SUCCESS"]

    told = await told_of_failed(service)
    assert {(event["data"]["requestSn"], event["data"]["refundFen"]) for event in told} == {(request_sn(3), 100)}
    assert len(await service.rows("refund")) == 2
    assert (await service.payments())[0]["refunded_fen"] == 200


async def test_an_unpaid_payment_is_not_refunded(service):
    number = await service.prepaid()

    answer = await ask(service, number)

    assert (answer.status_code, answer.json()["code"]) == (409, 104009)
    assert await service.rows("refund") == []


async def test_a_lost_callback_is_made_good_by_asking(service, wechat, paid):
    await ask(service, paid)
    [refund] = await in_state(service, "accepted")
    wechat.end_refund(refund["sn"], "SUCCESS")

    await tick(service)

    await in_state(service, "succeeded")
    assert (await service.payments())[0]["pay_status"] == 2
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
async def test_a_verified_callback_that_does_not_fit_is_kept_for_review_and_changes_nothing(
    service, paid, changes, reason
):
    await ask(service, paid, 5000)
    [before] = await in_state(service, "accepted")

    for _ in range(2):
        answer = await end(service, before["sn"], "SUCCESS", **changes)
        assert answer.status_code == 204

    assert (await service.rows("refund"))[0]["state"] == "accepted"
    assert (await service.payments())[0]["refunded_fen"] == 0
    [notice] = await service.rows("provider_notice")
    assert (notice["reason"], notice["seen"], notice["state"]) == (reason, 2, "needs_review")


async def test_a_refund_told_of_under_another_payment_is_kept_for_review(service, sidecar, paid):
    await ask(service, paid, 5000)
    [before] = await in_state(service, "accepted")
    sidecar.answer("order", "/internal/payable", payable(orderSn="HSO2026112309302687654321"))
    other = await service.prepaid(orderSn="HSO2026112309302687654321")

    answer = await end(service, before["sn"], "SUCCESS", out_trade_no=other)

    assert answer.status_code == 204
    assert (await service.rows("refund"))[0]["state"] == "accepted"
    assert [row["refunded_fen"] for row in await service.payments()] == [0, 0]
    assert [row["reason"] for row in await service.rows("provider_notice")] == ["refund_payment"]


def test_every_compared_field_of_a_refund_has_its_misfit_above():
    assert {each.reason for each in COMPARED_FIELDS} <= {reason for _, reason in MISFITS} | {"refund_payment"}


async def test_an_answer_about_another_refund_says_nothing_about_ours(service, wechat, paid, monkeypatch):
    """Both the refund's answer and the query's are signed, and about a number that was not asked about."""
    wechat.refunds_end("SUCCESS")

    async def of_another(request, respond=wechat.respond):
        content = (await respond(request)).json()
        return wechat.signed(200, content | {"out_refund_no": "RFD2026112310000000000000"})

    monkeypatch.setattr(wechat, "respond", of_another)
    await ask(service, paid, 5000)

    await eventually(lambda: service.rows("refund where tries > 0"), what="the refund was tried")
    await eventually(lambda: no_refund_is_leased(service), what="the try has ended")
    await in_state(service, "requested")
    assert (await service.payments())[0]["refunded_fen"] == 0
    assert await service.rows("provider_notice") == []


async def test_two_refunds_of_one_payment_are_a_minute_apart(serve, wechat):
    wechat.refunds_end("SUCCESS")
    async with serve(refund_spacing_seconds=60) as service:
        number = await service.settled()
        await ask(service, number, 5000, 1)
        await in_state(service, "succeeded")
        await ask(service, number, 5000, 2)
        query = "refund where state = 'requested' and tries > 0 and sent_at is null and leased_until is null"
        [waiting] = await eventually(lambda: service.rows(query), what="the second refund waits")
        [payment] = await service.payments()
        assert (waiting["due_at"] - payment["refund_sent_at"]).total_seconds() >= 60
        assert len(wechat.refund_states) == 1

        service.clock.pass_by(seconds=61)
        await tick(service)
        await in_state(service, "succeeded", "succeeded")


async def test_the_fifty_first_refund_of_a_payment_is_refused(service, wechat, db, paid):
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "insert into refund (sn, request_sn, attempt, payment_sn, order_sn, refund_fen, cause, reason, state,"
                " version, due_at, tries) select 'RFD' || n, 'RFR' || n, 1, :sn, :order, 1, 'x', '', 'closed',"
                " 1, now(), 0 from generate_series(1, 50) n"
            ),
            {"sn": paid, "order": ORDER},
        )

    answer = await ask(service, paid)

    assert (answer.status_code, answer.json()["code"]) == (409, 104011)
    assert wechat.requests == []


async def test_a_payment_seen_refunded_before_it_was_seen_paid_is_settled_first(service, wechat):
    number = await service.prepaid()
    wechat.pay(number)
    headers, body = wechat.callback(wechat.transaction(number, trade_state="REFUND"))

    await service.deliver(headers, body)

    [payment] = await service.payments()
    assert (payment["pay_status"], payment["refunded_fen"]) == (1, 0)
    assert await events(service) == [(1, 0, 2)]
    assert [row["reason"] for row in await service.rows("provider_notice")] == ["refund_unknown"]


@pytest.mark.parametrize("content", [None, [], "text", {}, {"mchid": 1}, {"out_refund_no": "a\x00b"}])
async def test_signed_content_that_is_no_refund_is_refused(service, wechat, content):
    headers, body = wechat.callback(content, event="REFUND.SUCCESS")

    answer = await service.deliver(headers, body, REFUND_CALLBACK)

    assert (answer.status_code, answer.json()["code"]) == (400, "FAIL")
    assert await service.rows("provider_notice") == []


async def test_the_history_of_money_cannot_be_rewritten(service, db, paid):
    await ask(service, paid)
    await in_state(service, "accepted")
    for table in ("payment_transition", "refund_transition"):
        with pytest.raises(Exception, match="permission denied for table"):
            async with db.transaction() as tx:
                await tx.execute(text(f"delete from {table}"))  # noqa: S608 - names of ours
