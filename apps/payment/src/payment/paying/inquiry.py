"""Asking WeChat about payments that no callback has told of: the callback may be lost, the answer is not."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from payment.ledger import payment_repository
from payment.ledger.payments import Settlement
from payment.paying.closing import GRACE_AFTER_EXPIRY, Closing
from payment.wechat.client import WechatPay
from payment.wechat.errors import Meaning, Refused, WechatError
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import Unavailable

log = structlog.get_logger()

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 180, 300, 600, 1800))
"""WeChat's own suggestion for polling (查询订单 · 轮询建议), the last one repeated."""
LEASE = timedelta(minutes=3)
"""Longer than a whole round can take while WeChat is slow: three calls each, five payments at a time."""
MAX_CONCURRENT = 5


@dataclass(frozen=True)
class Inquiry:
    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: Settlement
    closing: Closing

    async def poll_due(self, *, limit: int = 20) -> int:
        """Ask about the open payments that are due; answers how many were asked about. Replicas never share one."""
        async with self.db.transaction() as tx:
            claimed = await payment_repository.claim_for_query(tx, self.clock(), limit, LEASE)
        gate = asyncio.Semaphore(MAX_CONCURRENT)
        await asyncio.gather(*(self._poll_and_schedule(gate, sn, queries) for sn, queries in claimed))
        return len(claimed)

    async def _poll_and_schedule(self, gate: asyncio.Semaphore, sn: str, queries: int) -> None:
        async with gate:
            try:
                await self._ask(sn)
            except (WechatError, Unavailable) as error:
                log.warning("WeChat did not answer about a payment", payment_sn=sn, reason=str(error))
            await self._schedule(sn, queries)

    async def _ask(self, sn: str) -> None:
        try:
            verdict = await self.wechat.query(sn)
        except Refused as error:
            if error.meaning is not Meaning.ABSENT:
                raise
            await self._close_if_over(sn)  # its prepay never reached WeChat
            return
        await self.settlement.apply(verdict)
        if verdict.trade_state == "NOTPAY":
            await self._close_if_over(sn)

    async def _close_if_over(self, sn: str) -> None:
        """Past its expiry and unpaid: close it at WeChat, which is the final verdict."""
        async with self.db.read() as session:
            payment = await payment_repository.by_sn(session, sn)
        if payment is not None and self.clock() > payment.expires_at + GRACE_AFTER_EXPIRY:
            await self.closing.close_payment(payment)

    async def _schedule(self, sn: str, queries: int) -> None:
        pause = PAUSES[min(queries, len(PAUSES)) - 1]
        async with self.db.transaction() as tx:
            await payment_repository.schedule_query(tx, sn, self.clock() + pause)
