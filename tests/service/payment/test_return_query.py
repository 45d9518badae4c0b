"""The buyer comes back and the callback is lost: the polled status asks WeChat, seldom, and never keeps the poller."""

import asyncio
import time
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from payment.paying import return_query
from tests.service.payment.support import BUYER
from tests.support.async_waiting import eventually


@pytest.fixture
async def number(service):
    """A payment that is paid at WeChat, and no callback has arrived."""
    return await service.paid()


def questions(wechat):
    return [request for request in wechat.requests if request.method == "GET"]


@pytest.fixture
def poll(service):
    async def ask(user=BUYER):
        answer = await service.status(user=user)
        return answer.json()["data"] if answer.is_success else answer

    return ask


async def test_a_lost_callback_is_made_good_by_the_first_poll(service, wechat, number, poll):
    service.clock.pass_by(seconds=4)

    answer = await poll()

    assert answer == {
        "sn": number,
        "payStatus": 1,
        "tradeState": "SUCCESS",
        "payTime": int(wechat.paid_at(number).timestamp()),
    }
    assert [row["source"] for row in await service.rows("payment_transition")] == ["query"]
    assert len(await service.rows("outbox")) == 1
    assert (await poll())["payStatus"] == 1
    assert len(questions(wechat)) == 1, "a payment that is paid is not asked about"


async def test_wechat_is_not_asked_within_three_seconds_of_the_prepay(service, wechat, number, poll):
    answer = await poll()

    assert (answer["payStatus"], questions(wechat)) == (0, [])
    [row] = await service.payments()
    assert (row["pay_status"], row["asked_at"]) == (0, None)


async def test_a_poll_just_before_the_three_seconds_waits_for_them(service, wechat, number, poll):
    service.clock.pass_by(seconds=2.6)

    answer = await poll()

    assert (answer["payStatus"], len(questions(wechat))) == (1, 1)
    [row] = await service.payments()
    assert (row["asked_at"] - row["prepay_at"]).total_seconds() >= 3


async def test_replicas_and_pollers_share_one_question_in_five_seconds(serve, wechat, db, clock):
    async def asked_before(seconds):
        async with db.transaction() as tx:
            asked = {"at": clock() - timedelta(seconds=seconds)}
            await tx.execute(text("update third_payment set asked_at = :at"), asked)

    async with serve() as one, serve() as another:
        await one.prepay()
        clock.pass_by(seconds=60)

        async def polls(count):
            return await asyncio.gather(*(each.status() for each in (one, another) * count))

        first = await polls(10)
        assert {answer.json()["data"]["payStatus"] for answer in first} == {0}
        assert len(questions(wechat)) == 1
        await asked_before(3.5)
        await polls(3)
        assert len(questions(wechat)) == 1
        await asked_before(5)
        await polls(10)
        assert len(questions(wechat)) == 2


async def test_a_slow_wechat_does_not_keep_the_poller_and_its_answer_counts_when_it_comes(
    service, wechat, number, poll, monkeypatch
):
    service.clock.pass_by(seconds=4)
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
    await eventually(lambda: is_paid(service), what="the question went on and settled the payment")


async def is_paid(service):
    return [row["pay_status"] for row in await service.payments()] == [1]


@pytest.mark.parametrize(
    "failure", [httpx.ConnectTimeout("gone"), httpx.Response(500), httpx.Response(404), httpx.Response(202)]
)
async def test_whatever_wechat_answers_the_poller_gets_what_the_books_say(service, wechat, number, poll, failure):
    service.clock.pass_by(seconds=4)
    wechat.fail_with = [failure] * 3

    answer = await poll()

    assert answer == {"sn": number, "payStatus": 0, "tradeState": "NOTPAY", "payTime": 0}
    assert await service.rows("payment_transition") == []


async def test_more_questions_than_places_are_answered_from_the_books(serve, wechat, monkeypatch):
    monkeypatch.setattr(return_query, "MAX_CONCURRENT", 0)
    async with serve() as service:
        await service.prepay()
        service.clock.pass_by(seconds=60)
        answer = await service.status()

    assert (answer.json()["data"]["payStatus"], questions(wechat)) == (0, [])


async def test_another_buyers_poll_does_not_query_wechat(service, wechat, number, poll):
    service.clock.pass_by(seconds=4)

    answer = await poll(user=2)

    assert (answer.status_code, answer.json()["code"]) == (404, 104006)
    assert questions(wechat) == []


async def test_a_payment_that_was_never_prepaid_is_not_asked_about(service, wechat, poll):
    wechat.fail_with = [httpx.ConnectTimeout("gone")] * 3
    await service.prepay()

    assert (await poll())["payStatus"] == 0
    assert questions(wechat) == []
