"""Closing an order: nobody can pay afterwards, or the money that was faster is settled."""

import httpx
import pytest
from sqlalchemy import text

from servicekit.testing import SIDECAR_HEADERS, called_by
from tests.service.payment.conftest import BUYER, ORDER
from tests.service.payment.test_callback import CALLBACK, JSON, rows
from tests.service.payment.test_checkout import BODY, PREPAY, payments

CLOSE = "/internal/close"


async def close(http):
    return await http.post(CLOSE, json={"orderSn": ORDER}, headers=called_by("order"))


@pytest.fixture
async def number(http, tokens):
    return (await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))).json()["data"]["paymentSn"]


async def test_an_unpaid_payment_is_closed_at_wechat_first(http, wechat, db, number):
    answer = await close(http)

    assert answer.json()["outcome"] == "closed"
    assert wechat.orders[number]["trade_state"] == "CLOSED"
    assert [row["pay_status"] for row in await payments(db)] == [-1]
    assert await rows(db, "outbox") == []


async def test_when_the_buyer_was_faster_the_payment_is_settled_instead(http, wechat, db, number):
    wechat.pay(number)

    answer = (await close(http)).json()

    assert answer == {
        "outcome": "paid",
        "paymentSn": number,
        "payTime": "2026-11-23T01:31:20Z",
        "totalFen": 19900,
        "version": 2,
    }
    assert [row["pay_status"] for row in await payments(db)] == [1]
    assert len(await rows(db, "outbox")) == 1


async def test_an_order_that_was_closed_cannot_be_paid_any_more(http, tokens, wechat, db):
    answer = await close(http)
    refused = await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))

    assert answer.json()["outcome"] == "neverPaid"
    assert (refused.status_code, refused.json()["code"]) == (409, 104003)
    assert await payments(db) == []
    assert wechat.requests == []


async def test_while_wechat_does_not_answer_closing_is_503_and_may_be_asked_again(http, wechat, db, number):
    wechat.fail_with = [httpx.ConnectTimeout("gone")] * 3

    first, second = await close(http), await close(http)

    assert (first.status_code, second.status_code) == (503, 200)
    assert second.json()["outcome"] == "closed"
    assert [row["pay_status"] for row in await payments(db)] == [-1]


@pytest.mark.parametrize("word", [{"trade_state": "NOTPAY"}, {"amount": {"total": 19901, "currency": "CNY"}}])
async def test_paid_by_one_word_of_wechat_and_not_by_the_next_is_neither_closed_nor_paid(
    http, wechat, db, number, word, monkeypatch
):
    """The close is refused with ORDERPAID; the query is behind, or does not fit our books: the order must not end."""
    wechat.pay(number)
    said = wechat.transaction(number) | word
    monkeypatch.setattr(wechat, "transaction", lambda _number, **_changes: said)

    answer = await close(http)

    assert (answer.status_code, answer.json()["code"]) == (503, 104007)
    assert [row["pay_status"] for row in await payments(db)] == [0]
    assert await rows(db, "outbox") == []
    monkeypatch.undo()
    assert (await close(http)).json()["outcome"] == "paid"


async def test_money_that_arrives_after_the_close_is_settled_and_told(http, wechat, db, number):
    await close(http)
    wechat.pay(number)
    headers, body = wechat.callback(wechat.transaction(number))

    answer = await http.post(CALLBACK, content=body, headers={**JSON, **headers})

    assert answer.status_code == 204
    assert [(row["pay_status"], row["version"]) for row in await payments(db)] == [(1, 3)]
    [event] = await rows(db, "outbox")
    assert event["event"]["data"]["version"] == 3


async def test_an_expired_unpaid_payment_is_closed_by_cron(http, wechat, db, number):
    async with db.transaction() as tx:
        await tx.execute(
            text("update third_payment set next_query_at = now(), expires_at = now() - interval '5 minutes'")
        )

    await http.post("/jobs/payment-query-open", headers=SIDECAR_HEADERS)

    assert wechat.orders[number]["trade_state"] == "CLOSED"
    assert [row["pay_status"] for row in await payments(db)] == [-1]
