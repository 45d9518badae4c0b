"""Closing an order's payment, at WeChat too: after "closed" nobody can pay it any more."""

from dataclasses import dataclass

from payment import repository
from payment.errors import WechatUnavailable
from payment.models import ThirdPayment
from payment.schemas import CloseOutcome
from payment.settlement import Settlement
from payment.wechat.client import WechatPay
from payment.wechat.errors import Meaning, Refused, WechatError
from payment.wechat.verdicts import Verdict
from servicekit.clock import Clock
from servicekit.db import Database


@dataclass(frozen=True)
class Closing:
    """`close` may be repeated until it answers: every step is safe to do again."""

    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: Settlement
    appid: str
    mchid: str

    async def close(self, order_sn: str) -> CloseOutcome:
        """From now on no payment may be opened for the order; an open one is closed at WeChat, or settled when WeChat was
        faster. Raises WechatUnavailable while WeChat's answer cannot be had."""
        async with self.db.transaction() as tx:
            await repository.lock_order(tx, order_sn)
            await repository.close_order(tx, order_sn, self.clock())
            payment = await repository.open_of_order(tx, order_sn)
        if payment is None:
            return await self._outcome(order_sn, "neverPaid")
        try:
            await self.close_payment(payment)
        except WechatError as error:
            raise WechatUnavailable(str(error), retry_after=5) from error
        return await self._outcome(order_sn, "closed")

    async def close_payment(self, payment: ThirdPayment) -> None:
        """Close one open payment. Raises WechatError when it is not known what WeChat did."""
        try:
            await self.wechat.close(payment.sn)
        except Refused as error:
            if error.meaning is not Meaning.PAID:
                raise
            await self.settlement.apply(await self.wechat.query(payment.sn))
            return
        closed = Verdict(
            source="close",
            mchid=self.mchid,
            appid=self.appid,
            out_trade_no=payment.sn,
            trade_state="CLOSED",
            total_fen=None,
        )
        await self.settlement.apply(closed)

    async def _outcome(self, order_sn: str, unpaid: str) -> CloseOutcome:
        async with self.db.read() as session:
            paid = await repository.paid_of_order(session, order_sn)
            still_open = await repository.open_of_order(session, order_sn)
        if paid is None and still_open is not None:  # WeChat would not close it, and its word on why settled nothing
            raise WechatUnavailable(f"WeChat says neither closed nor paid of {still_open.sn}", retry_after=5)
        if paid is None:
            return CloseOutcome(outcome=unpaid, payment_sn=None, pay_time=None, total_fen=None, version=None)
        return CloseOutcome(
            outcome="paid",
            payment_sn=paid.sn,
            pay_time=paid.pay_time,
            total_fen=paid.total_fen,
            version=paid.version,
        )
