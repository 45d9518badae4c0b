"""Polls WeChat for open payments whose callback has not arrived."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from payment.errors import PaymentNotFound, WechatRefusedAct, WechatUnavailable
from payment.ledger import payment_repository
from payment.ledger.payment_states import PayStatus
from payment.ledger.payments import Settlement
from payment.models import ThirdPayment
from payment.paying.closing import GRACE_AFTER_EXPIRY, Closing
from payment.wechat.client import WechatPay
from payment.wechat.errors import Meaning, Refused, WechatError
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.due import Schedule, side_by_side
from servicekit.errors import Unavailable

log = structlog.get_logger()

PAUSES = Schedule.of_seconds(30, 60, 180, 300, 600, 1800)
"""Pauses between queries of one payment, the last one repeated: WeChat's recommendation (查询订单 · 轮询建议)."""
LEASE = timedelta(minutes=3)
"""Longer than a whole round takes while WeChat is slow: three calls per payment, `MAX_CONCURRENT` payments at a time."""
MAX_CONCURRENT = 5


@dataclass(kw_only=True, eq=False)
class Inquiry:
    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: Settlement
    closing: Closing

    async def poll_due(self, *, limit: int = 20) -> int:
        """Query the open payments that are due; returns how many. A payment is claimed by one replica only."""
        async with self.db.transaction() as tx:
            claimed = await payment_repository.claim_for_query(tx, self.clock(), limit, LEASE)
        await side_by_side(
            claimed, lambda each: self._poll_and_schedule(*each), at_once=MAX_CONCURRENT, what="query of a payment"
        )
        return len(claimed)

    async def query_now(self, operator_id: int, sn: str, note: str) -> ThirdPayment:
        """Query WeChat about a payment, open or not, and settle its verdict; `note` says why, for the audit. Returns the
        payment afterwards. Raises PaymentNotFound; WechatUnavailable, WechatRefusedAct: nothing was changed."""
        now = self.clock()
        async with self.db.transaction() as tx:
            if await payment_repository.lock_by_sn(tx, sn) is None:
                raise PaymentNotFound(f"no payment {sn}", field="paymentSn")
            await acts.record(tx, now, operator_id, "query-payment", f"payment:{sn}", note=note)
        try:
            await self._poll(sn)
        except Refused as error:
            if error.meaning is Meaning.LATER:
                raise WechatUnavailable(str(error)) from error
            raise WechatRefusedAct(str(error)) from error
        except WechatError as error:
            raise WechatUnavailable(str(error)) from error
        async with self.db.transaction() as tx:
            after = await payment_repository.lock_by_sn(tx, sn)
            if after is None:
                raise PaymentNotFound(f"no payment {sn}", field="paymentSn")
            after.asked_at = now
        return after

    async def _poll_and_schedule(self, sn: str, tries: int) -> None:
        try:
            await self._poll(sn)
        except (WechatError, Unavailable) as error:
            log.warning("query of a payment failed", payment_sn=sn, reason=str(error))
        await self._schedule(sn, PAUSES.pause(tries))

    async def _poll(self, sn: str) -> None:
        try:
            verdict = await self.wechat.query(sn)
        except Refused as error:
            if error.meaning is not Meaning.ABSENT:
                raise
            await self._close_if_over(sn)  # the prepay never reached WeChat
            return
        await self.settlement.apply(verdict)
        if verdict.trade_state == "NOTPAY":
            await self._close_if_over(sn)

    async def _close_if_over(self, sn: str) -> None:
        """Close an expired, unpaid payment at WeChat."""
        async with self.db.read() as session:
            payment = await payment_repository.by_sn(session, sn)
        if payment is None or payment.pay_status != PayStatus.WAITING:
            return
        if self.clock() > payment.expires_at + GRACE_AFTER_EXPIRY:
            await self.closing.close_payment(payment)

    async def _schedule(self, sn: str, pause: timedelta) -> None:
        async with self.db.transaction() as tx:
            await payment_repository.schedule_query(tx, sn, self.clock() + pause)
