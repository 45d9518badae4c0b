"""Query on return: a buyer who polls the status of an open payment makes us ask WeChat, for the callback may be lost.

Bounded for everybody: one question in five seconds for a payment, whichever replica is asked; a poller waits for at most
`PATIENCE`, and is answered from the books then, while the question goes on; at most `MAX_CONCURRENT` questions in this process, so
that a WeChat that is slow leaves connections to those who pay.
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
BETWEEN = timedelta(seconds=5)
PATIENCE = 1.5
"""Seconds that a poller may be kept for the question: with the reads before and after it stays below two."""
SOON = 1.0
"""Seconds that a poller is kept until the question is allowed: asked at the next poll it would be later."""
MAX_CONCURRENT = 32


@dataclass(frozen=True)
class ReturnQuery:
    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: Settlement
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT))
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def ask(self, payment: ThirdPayment) -> bool:
        """Ask WeChat about a payment that is open, if it is time to. True when the books may say more than `payment` does.
        Takes `PATIENCE` at most; troubles of WeChat and of the database are only logged."""
        due_at = _due_at(payment)
        if due_at is None or self._places.locked():
            return False
        wait = (due_at - self.clock()).total_seconds()
        if wait > SOON:
            return False
        await self._places.acquire()
        question = asyncio.create_task(self._ask(payment.sn, max(0.0, wait)))
        self._under_way.add(question)
        question.add_done_callback(self._end)
        await asyncio.wait({question}, timeout=PATIENCE)
        return True

    def _end(self, question: asyncio.Task[None]) -> None:
        self._under_way.discard(question)
        self._places.release()

    async def close(self) -> None:
        """Cut off what is still under way: cron asks again."""
        for question in tuple(self._under_way):
            question.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _ask(self, sn: str, wait: float) -> None:
        """It may outlive its poller, so what goes wrong is told here."""
        try:
            await asyncio.sleep(wait)
            now = self.clock()
            async with self.db.transaction() as tx:
                claimed = await payment_repository.claim_return_query(tx, sn, now, now - AFTER_PREPAY, now - BETWEEN)
            if claimed:  # else another poller was faster, or it is not open any more
                await self.settlement.apply(await self.wechat.query(sn))
        except (WechatError, Unavailable) as error:
            log.info("query on return has no answer", payment_sn=sn, reason=str(error))
        except Exception:
            log.exception("query on return failed", payment_sn=sn)


def _due_at(payment: ThirdPayment) -> datetime | None:
    """From when the payment may be asked about; None when it is not open, or was never prepaid."""
    if payment.pay_status != PayStatus.WAITING or payment.prepay_at is None:
        return None
    allowed = payment.prepay_at + AFTER_PREPAY
    return max(allowed, payment.asked_at + BETWEEN) if payment.asked_at else allowed
