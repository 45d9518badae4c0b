"""A callback is answered within WeChat's five seconds, whatever the way to the database does."""

import asyncio
import time

import pytest
from sqlalchemy import text

from payment.endpoints import wechat_notify
from tests.support.nat import forgetful

WECHAT_WAITS_SECONDS = 5.0
AT_ONCE = 5
SHIPPED = {"database_pool_timeout_seconds": 2.0, "database_connect_seconds": 3.0}


@pytest.fixture(autouse=True, scope="module")
def _busy_machine():
    """The limits that production has."""


@pytest.fixture
async def behind_nat(serve, database_url):
    """(nat, service): payment, whose database lies behind a network that can forget."""
    async with forgetful(database_url) as (nat, url), serve(database_url=url, **SHIPPED) as service:
        yield nat, service


async def timed(request):
    began = time.monotonic()
    answer = await request
    return answer, time.monotonic() - began


async def test_callbacks_over_dead_connections_are_refused_in_time_and_the_next_ones_settle(
    service, behind_nat, wechat
):
    nat, service = behind_nat
    prepaid = await asyncio.gather(*(service.prepay() for _ in range(AT_ONCE)))
    [number] = {answer.json()["data"]["paymentSn"] for answer in prepaid}
    wechat.pay(number)
    nat.forget()

    copies = [service.deliver(*wechat.notification(number)) for _ in range(AT_ONCE)]
    for answer, seconds in await asyncio.gather(*map(timed, copies)):
        assert seconds < WECHAT_WAITS_SECONDS
        assert (answer.status_code, answer.json()["code"]) == (503, "FAIL")
    assert [row["pay_status"] for row in await service.payments()] == [0]

    for _ in range(AT_ONCE):
        answer, seconds = await timed(service.deliver(*wechat.notification(number)))
        assert answer.status_code == 204
        assert seconds < WECHAT_WAITS_SECONDS
    assert [row["pay_status"] for row in await service.payments()] == [1]
    assert len(await service.rows("payment_transition")) == 1


async def test_a_database_that_holds_a_callback_up_does_not_hold_its_answer_up(service, wechat, db, monkeypatch):
    """A lock that another transaction holds for longer than WeChat waits; what was cut off has changed nothing."""
    monkeypatch.setattr(wechat_notify, "ANSWER_SECONDS", 0.3)
    number = await service.prepaid()
    wechat.pay(number)
    async with db.transaction() as tx:
        await tx.execute(text("select 1 from third_payment for update"))
        answer, seconds = await timed(service.deliver(*wechat.notification(number)))
    assert (answer.status_code, answer.json()["code"]) == (503, "FAIL")
    assert seconds < WECHAT_WAITS_SECONDS
    assert [row["pay_status"] for row in await service.payments()] == [0]

    monkeypatch.undo()
    assert (await service.deliver(*wechat.notification(number))).status_code == 204
    assert [row["pay_status"] for row in await service.payments()] == [1]
