"""Queries WeChat for the open payment of a buyer who polls its status, in case the callback is lost.

Bounded: one query per payment in `MIN_INTERVAL`, across replicas; a poller waits at most `MAX_WAIT_SECONDS` and is then
answered from the ledger while the query continues; at most `MAX_CONCURRENT` queries in this process, so that a slow WeChat
leaves connections for new payments.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from payment.ledger import payment_repository
from payment.ledger.payment_states import PayStatus
from payment.ledger.payments import Settlement
from payment.models import ThirdPayment
from payment.wechat.client import WechatPay
from payment.wechat.errors import WechatError
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import Unavailable

log = structlog.get_logger()

AFTER_PREPAY = timedelta(seconds=3)
MIN_INTERVAL = timedelta(seconds=5)
MAX_WAIT_SECONDS = 1.5
"""How long a poller waits for the query: below two seconds with the reads before and after."""
MAX_DELAY_SECONDS = 1.0
"""How long a poller waits until a query is allowed, instead of leaving it to the next poll."""
MAX_CONCURRENT = 32


@dataclass(kw_only=True, eq=False)
class ReturnQuery:
    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: Settlement
    _slots: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT))
    _running: set[asyncio.Task[None]] = field(init=False, default_factory=set)

    async def ask(self, payment: ThirdPayment) -> bool:
        """Query WeChat for an open payment, if one is due. True when the ledger may be newer than `payment`. Takes at most
        `MAX_WAIT_SECONDS`; failures of WeChat and of the database are only logged."""
        due_at = _due_at(payment)
        if due_at is None or self._slots.locked():
            return False
        wait = (due_at - self.clock()).total_seconds()
        if wait > MAX_DELAY_SECONDS:
            return False
        await self._slots.acquire()
        task = asyncio.create_task(self._query(payment.sn, max(0.0, wait)))
        self._running.add(task)
        task.add_done_callback(self._end)
        await asyncio.wait({task}, timeout=MAX_WAIT_SECONDS)
        return True

    def _end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()

    async def close(self) -> None:
        """Cancel running queries; cron repeats them."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _query(self, sn: str, wait: float) -> None:
        """May outlive its poller, so it logs its own errors."""
        try:
            await asyncio.sleep(wait)
            now = self.clock()
            async with self.db.transaction() as tx:
                claimed = await payment_repository.claim_return_query(
                    tx, sn, now, now - AFTER_PREPAY, now - MIN_INTERVAL
                )
            if claimed:  # else claimed by another poller, or not open any more
                await self.settlement.apply(await self.wechat.query(sn))
        except (WechatError, Unavailable) as error:
            log.info("query on return failed for now", payment_sn=sn, reason=str(error))
        except Exception:
            log.exception("query on return failed", payment_sn=sn)


def _due_at(payment: ThirdPayment) -> datetime | None:
    """From when the payment may be queried; None when it is not open or has no prepay."""
    if payment.pay_status != PayStatus.WAITING or payment.prepay_at is None:
        return None
    allowed = payment.prepay_at + AFTER_PREPAY
    return max(allowed, payment.asked_at + MIN_INTERVAL) if payment.asked_at else allowed
