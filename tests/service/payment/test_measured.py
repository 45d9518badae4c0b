"""How long payments and refunds take to be known on the other side, what WeChat's calls end as, and what is open."""

import httpx
import pytest
from sqlalchemy import text

from tests.service.payment.refunding import (  # noqa: F401 - the fixture `paid` is used by its name
    ask,
    in_state,
    no_refund_is_leased,
    settled_payment,
)
from tests.service.payment.support import parts_of
from tests.service.payment.wechat import refusal
from tests.support.async_waiting import eventually
from tests.support.metrics import Growth, value

SETTLED, SUBMITTED, CALLS = (
    "payment_settlement_delay_seconds",
    "payment_refund_submission_seconds",
    "payment_wechat_call_seconds",
)
REFUND = "/v3/refund/domestic/refunds"


def calls(path):
    return {each: Growth(f"{CALLS}_count", call=path, outcome=each) for each in ("success", "refused", "unknown")}


def grown(growths):
    return {name: growth() for name, growth in growths.items()}


@pytest.mark.parametrize("source", ["callback", "query"])
async def test_a_payment_counts_once_by_what_told_of_it(service, wechat, source):
    number = await service.paid()
    counts = {each: Growth(f"{SETTLED}_count", source=each) for each in ("callback", "query", "close", "bill")}
    if source == "callback":
        for _ in range(2):
            assert (await service.deliver(*wechat.notification(number))).status_code == 204
    else:
        service.clock.pass_by(seconds=31)
        await service.job("query-open")
    [row] = await service.payments()
    assert row["pay_status"] == 1
    assert grown(counts) == {"callback": 0, "query": 0, "close": 0, "bill": 0} | {source: 1}


async def test_a_refund_counts_once_when_wechat_has_it(service, paid):
    count, calling = Growth(f"{SUBMITTED}_count"), calls(REFUND)
    await ask(service, paid)
    await in_state(service, "accepted")
    assert count() == 1
    assert grown(calling) == {"success": 1, "refused": 0, "unknown": 0}


async def test_a_refund_that_wechat_does_not_take_is_open_and_overdue_after_ten_minutes(
    service, wechat, paid, db, clock
):
    count, calling = Growth(f"{SUBMITTED}_count"), calls(REFUND)
    gauges = parts_of(db, clock).open_refunds
    wechat.fail_with = [httpx.ReadTimeout("no answer")]
    await ask(service, paid)
    await eventually(lambda: grown(calling) == {"success": 0, "refused": 0, "unknown": 1})
    await no_refund_is_leased(service)
    await gauges.measure()
    assert (value("payment_refunds", state="requested"), value("payment_refunds_overdue"), count()) == (1, 0, 0)

    async with db.transaction() as tx:
        await tx.execute(text("update refund set created_at = created_at - interval '11 minutes'"))
    await gauges.measure()
    assert (value("payment_refunds", state="requested"), value("payment_refunds_overdue")) == (1, 1)
    assert (value("payment_refunds", state="accepted"), value("payment_refunds", state="abnormal")) == (0, 0)


async def test_a_refund_that_wechat_refuses_has_reached_it(service, wechat, paid):
    count, calling = Growth(f"{SUBMITTED}_count"), calls(REFUND)
    wechat.fail_with = [refusal(403, "TRADE_ERROR")]
    await ask(service, paid)
    await in_state(service, "closed")
    assert count() == 1
    assert grown(calling) == {"success": 0, "refused": 1, "unknown": 0}
