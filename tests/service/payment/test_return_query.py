"""The buyer comes back and the callback is lost: the polled status asks WeChat, seldom, and never keeps the poller."""

import asyncio
import time
from contextlib import AsyncExitStack

import httpx
import pytest
from sqlalchemy import text

from payment.main import create_app
from payment.paying import return_query
from servicekit.testing import client
from tests.service.payment.conftest import BUYER, ORDER, secrets_of
from tests.service.payment.test_callback import rows
from tests.service.payment.test_checkout import BODY, PREPAY, STATUS, payments
from tests.support.async_waiting import eventually


@pytest.fixture
async def number(http, tokens, wechat):
    """A payment that is paid at WeChat, and nobody has told us."""
    answer = await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))
    number = answer.json()["data"]["paymentSn"]
    wechat.pay(number)
    return number


async def prepaid_before(db, seconds):
    async with db.transaction() as tx:
        moved = text("update third_payment set prepay_at = now() - make_interval(secs => :seconds)")
        await tx.execute(moved, {"seconds": seconds})


def questions(wechat):
    return [request for request in wechat.requests if request.method == "GET"]


@pytest.fixture
def poll(http, tokens):
    async def ask(http=http, user=BUYER):
        answer = await http.post(STATUS, json={"orderSn": ORDER}, headers=tokens.bearer(user))
        return answer.json()["data"] if answer.is_success else answer

    return ask


async def test_a_lost_callback_is_made_good_by_the_first_poll(wechat, db, number, poll):
    await prepaid_before(db, 4)

    answer = await poll()

    assert answer == {"sn": number, "payStatus": 1, "tradeState": "SUCCESS", "payTime": 1795397480}
    assert [row["source"] for row in await rows(db, "payment_transition")] == ["query"]
    assert len(await rows(db, "outbox")) == 1
    assert (await poll())["payStatus"] == 1
    assert len(questions(wechat)) == 1, "a payment that is paid is not asked about"


async def test_wechat_is_not_asked_within_three_seconds_of_the_prepay(wechat, db, number, poll):
    await prepaid_before(db, 1)

    answer = await poll()

    assert (answer["payStatus"], questions(wechat)) == (0, [])
    [row] = await payments(db)
    assert (row["pay_status"], row["asked_at"]) == (0, None)


async def test_a_poll_just_before_the_three_seconds_waits_for_them(wechat, db, number, poll):
    await prepaid_before(db, 2.6)

    answer = await poll()

    assert (answer["payStatus"], len(questions(wechat))) == (1, 1)
    [row] = await payments(db)
    assert (row["asked_at"] - row["prepay_at"]).total_seconds() >= 3


async def test_replicas_and_pollers_share_one_question_in_five_seconds(settings, tokens, wechat, sidecar, db):
    async with AsyncExitStack() as stack:
        replicas = []
        for _ in range(2):
            app = create_app(
                settings, secrets_of(wechat), sidecar=sidecar, verifier=tokens.verifier(), wechat_transport=wechat
            )
            replicas.append(await stack.enter_async_context(client(app)))
        headers = tokens.bearer(BUYER)
        await replicas[0].post(PREPAY, json=BODY, headers=headers)
        await prepaid_before(db, 60)

        async def polls(count):
            requests = (each.post(STATUS, json={"orderSn": ORDER}, headers=headers) for each in replicas * count)
            return await asyncio.gather(*requests)

        first = await polls(10)
        assert {answer.json()["data"]["payStatus"] for answer in first} == {0}
        assert len(questions(wechat)) == 1
        await prepaid_before(db, 61)
        async with db.transaction() as tx:
            await tx.execute(text("update third_payment set asked_at = now() - interval '3.5 seconds'"))
        await polls(3)
        assert len(questions(wechat)) == 1
        async with db.transaction() as tx:
            await tx.execute(text("update third_payment set asked_at = now() - interval '5 seconds'"))
        await polls(10)
        assert len(questions(wechat)) == 2


async def test_a_slow_wechat_does_not_keep_the_poller_and_its_word_counts_when_it_comes(
    wechat, db, number, poll, monkeypatch
):
    await prepaid_before(db, 4)
    answers, handle = asyncio.Event(), wechat.handle_async_request

    async def slow(request):
        await answers.wait()
        return await handle(request)

    monkeypatch.setattr(wechat, "handle_async_request", slow)
    began = time.monotonic()

    answer = await poll()

    assert time.monotonic() - began < 2
    assert answer["payStatus"] == 0
    answers.set()
    await eventually(lambda: is_paid(db), what="the question went on and settled the payment")


async def is_paid(db):
    return [row["pay_status"] for row in await payments(db)] == [1]


@pytest.mark.parametrize(
    "failure", [httpx.ConnectTimeout("gone"), httpx.Response(500), httpx.Response(404), httpx.Response(202)]
)
async def test_whatever_wechat_answers_the_poller_gets_what_the_books_say(wechat, db, number, poll, failure):
    await prepaid_before(db, 4)
    wechat.fail_with = [failure] * 3

    answer = await poll()

    assert answer == {"sn": number, "payStatus": 0, "tradeState": "NOTPAY", "payTime": 0}
    assert await rows(db, "payment_transition") == []


async def test_more_questions_than_places_are_answered_from_the_books(
    settings, tokens, wechat, sidecar, db, monkeypatch
):
    monkeypatch.setattr(return_query, "MAX_CONCURRENT", 0)
    app = create_app(settings, secrets_of(wechat), sidecar=sidecar, verifier=tokens.verifier(), wechat_transport=wechat)
    async with client(app) as http:
        headers = tokens.bearer(BUYER)
        await http.post(PREPAY, json=BODY, headers=headers)
        await prepaid_before(db, 60)
        answer = await http.post(STATUS, json={"orderSn": ORDER}, headers=headers)

    assert (answer.json()["data"]["payStatus"], questions(wechat)) == (0, [])


async def test_another_buyers_poll_asks_nobody(wechat, db, number, poll):
    await prepaid_before(db, 4)

    answer = await poll(user=2)

    assert (answer.status_code, answer.json()["code"]) == (404, 104006)
    assert questions(wechat) == []


async def test_a_payment_that_was_never_prepaid_is_not_asked_about(http, tokens, wechat, db, poll):
    wechat.fail_with = [httpx.ConnectTimeout("gone")] * 3
    await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))

    assert (await poll())["payStatus"] == 0
    assert questions(wechat) == []
