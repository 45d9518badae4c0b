"""Closes an order's payment, also at WeChat: once closed it cannot be paid any more."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from payment.errors import WechatUnavailable
from payment.ledger import payment_repository
from payment.ledger.payment_states import CLOSED_TRADE_STATES, PAID_TRADE_STATES
from payment.ledger.payments import Settlement
from payment.merchant import Merchant
from payment.models import ThirdPayment
from payment.wechat.client import WechatPay
from payment.wechat.errors import Ambiguous, Meaning, Refused, WechatError
from payment.wechat.verdicts import Verdict
from servicekit.clock import Clock
from servicekit.db import Database

GRACE_AFTER_EXPIRY = timedelta(minutes=2)
"""WeChat extends a time_expire less than a minute ahead to a minute, and its clock may differ from ours."""


@dataclass(frozen=True)
class Closed:
    """How closing an order's payment ended: `paid` is the payment that the buyer completed first, if there is one."""

    outcome: Literal["closed", "neverPaid", "paid"]
    paid: ThirdPayment | None = None


@dataclass(kw_only=True, eq=False)
class Closing:
    """`close` is idempotent: repeat it until it returns."""

    db: Database
    clock: Clock
    wechat: WechatPay
    settlement: Settlement
    merchant: Merchant

    async def close(self, order_sn: str) -> Closed:
        """Forbid new payments for the order and close the open one at WeChat, or settle it when the buyer has paid. Raises
        WechatUnavailable while WeChat's response is missing."""
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
        """Close one open payment at WeChat, or settle it when the buyer has paid. It is still open on return when WeChat's
        verdict contradicts the ledger. Raises WechatError while the result is unknown, and while the buyer is entering the
        password."""
        try:
            await self.wechat.close(payment.sn)
        except Refused as error:
            if error.meaning in {Meaning.LATER, Meaning.PAYING}:
                raise
            if error.meaning is not Meaning.CLOSED:
                await self._end_by_query(payment, error)
                return
        except Ambiguous as error:
            if not 400 <= error.status < 500:  # no response, or it may have happened: retry
                raise
            await self._end_by_query(payment, error)
            return
        await self.settlement.apply(self.closed(payment.sn, "close"))

    async def _end_by_query(self, payment: ThirdPayment, refusal: Refused | Ambiguous) -> None:
        """WeChat refused to close: a query tells why. A number unknown to both the close and the query cannot be paid, so
        it is closed. While the query says NOTPAY, raises `refusal`."""
        meaning = refusal.meaning if isinstance(refusal, Refused) else None
        try:
            verdict = await self.wechat.query(payment.sn)
        except Refused as unknown:
            is_over = self.clock() > payment.expires_at + GRACE_AFTER_EXPIRY
            # The response to the close is undocumented: the query's "unknown" alone counts only after the expiry.
            agreed = meaning is Meaning.ABSENT or (meaning is None and is_over)
            if unknown.meaning is not Meaning.ABSENT or not agreed:
                raise
            await self.settlement.apply(self.closed(payment.sn, "absent"))
            return
        await self.settlement.apply(verdict)
        if verdict.trade_state not in PAID_TRADE_STATES | CLOSED_TRADE_STATES and meaning is not Meaning.PAID:
            raise refusal

    def closed(self, payment_sn: str, source: str) -> Verdict:
        """A verdict that the payment is closed, for responses of WeChat that carry no transaction."""
        return Verdict(
            source=source,
            mchid=self.merchant.mchid,
            appid=self.merchant.appid,
            out_trade_no=payment_sn,
            trade_state="CLOSED",
            total_fen=None,
        )

    async def _outcome(self, order_sn: str, unpaid: Literal["closed", "neverPaid"]) -> Closed:
        async with (
            self.db.read() as session
        ):  # in this order: a payment that a callback settles in between is seen as paid
            still_open = await payment_repository.open_of_order(session, order_sn)
            paid = await payment_repository.paid_of_order(session, order_sn)
        if paid is None and still_open is not None:  # WeChat refused to close, and its verdict was flagged for review
            raise WechatUnavailable(f"WeChat reports {still_open.sn} as neither closed nor paid", retry_after=5)
        if paid is None:
            return Closed(unpaid)
        return Closed("paid", paid)
