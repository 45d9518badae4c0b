"""Closing an order's payment, at WeChat too: after "closed" nobody can pay it any more."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from payment.errors import WechatUnavailable
from payment.ledger import payment_repository
from payment.ledger.payment_states import CLOSED_TRADE_STATES, PAID_TRADE_STATES
from payment.ledger.payments import Settlement
from payment.models import ThirdPayment
from payment.wechat.client import WechatPay
from payment.wechat.errors import Ambiguous, Meaning, Refused, WechatError
from payment.wechat.verdicts import Verdict
from servicekit.clock import Clock
from servicekit.db import Database

GRACE_AFTER_EXPIRY = timedelta(minutes=2)
"""WeChat raises an end that is less than a minute ahead to a minute, and its clock is not ours."""


@dataclass(frozen=True)
class Closed:
    """How closing an order's payment ended: `paid` is the payment that the buyer completed first, if there is one."""

    outcome: Literal["closed", "neverPaid", "paid"]
    paid: ThirdPayment | None = None


@dataclass(frozen=True)
class Closing:
    """`close` may be repeated until it answers: every step is safe to do again."""

    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: Settlement
    appid: str
    mchid: str

    async def close(self, order_sn: str) -> Closed:
        """From now on no payment may be opened for the order; an open one is closed at WeChat, or settled when WeChat was
        faster. Raises WechatUnavailable while WeChat's answer cannot be had."""
        async with self.db.transaction() as tx:
            await payment_repository.lock_order(tx, order_sn)
            await payment_repository.close_order(tx, order_sn, self.clock())
            payment = await payment_repository.open_of_order(tx, order_sn)
        if payment is None:
            return await self._outcome(order_sn, "neverPaid")
        try:
            await self.close_payment(payment)
        except WechatError as error:
            raise WechatUnavailable(str(error), retry_after=5) from error
        return await self._outcome(order_sn, "closed")

    async def close_payment(self, payment: ThirdPayment) -> None:
        """Close one open payment, or settle it when the buyer was faster. Returns with it still open when what WeChat
        says of it does not fit our books. Raises WechatError while it is not known what WeChat did, and while the buyer is
        typing the password."""
        try:
            await self.wechat.close(payment.sn)
        except Refused as error:
            if error.meaning in {Meaning.LATER, Meaning.PAYING}:
                raise
            if error.meaning is not Meaning.CLOSED:
                await self._end_by_query(payment, error)
                return
        except Ambiguous as error:
            if not 400 <= error.status < 500:  # nothing came back, or it may have been done: the same again
                raise
            await self._end_by_query(payment, error)
            return
        await self.settlement.apply(self.closed(payment.sn, "close"))

    async def _end_by_query(self, payment: ThirdPayment, refusal: Refused | Ambiguous) -> None:
        """WeChat will not close it: the query says why. A number that neither the close nor the query knows is an end, for
        it cannot be paid; while it is NOTPAY the refusal stands."""
        meaning = refusal.meaning if isinstance(refusal, Refused) else None
        try:
            verdict = await self.wechat.query(payment.sn)
        except Refused as unknown:
            is_over = self.clock() > payment.expires_at + GRACE_AFTER_EXPIRY
            # The close said nothing that is documented: one refusal alone is believed when time has ended it as well.
            agreed = meaning is Meaning.ABSENT or (meaning is None and is_over)
            if unknown.meaning is not Meaning.ABSENT or not agreed:
                raise
            await self.settlement.apply(self.closed(payment.sn, "absent"))
            return
        await self.settlement.apply(verdict)
        if verdict.trade_state not in PAID_TRADE_STATES | CLOSED_TRADE_STATES and meaning is not Meaning.PAID:
            raise refusal

    def closed(self, payment_sn: str, source: str) -> Verdict:
        """The verdict that a payment is closed, where WeChat said so without a transaction."""
        return Verdict(
            source=source,
            mchid=self.mchid,
            appid=self.appid,
            out_trade_no=payment_sn,
            trade_state="CLOSED",
            total_fen=None,
        )

    async def _outcome(self, order_sn: str, unpaid: Literal["closed", "neverPaid"]) -> Closed:
        async with self.db.read() as session:
            paid = await payment_repository.paid_of_order(session, order_sn)
            still_open = await payment_repository.open_of_order(session, order_sn)
        if paid is None and still_open is not None:  # WeChat would not close it, and its word on why settled nothing
            raise WechatUnavailable(f"WeChat says neither closed nor paid of {still_open.sn}", retry_after=5)
        if paid is None:
            return Closed(unpaid)
        return Closed("paid", paid)
