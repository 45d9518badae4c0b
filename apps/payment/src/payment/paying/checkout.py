"""Prepay: from an order to the parameters of wx.requestPayment, which opens WeChat's cashier."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from payment.errors import OrderAlreadyPaid, OrderNotFound, OrderNotPayable, WechatRefused, WechatUnavailable
from payment.ledger import payment_repository
from payment.ledger.payment_states import CLOSED_TRADE_STATES, PAID_TRADE_STATES
from payment.ledger.payments import Settlement
from payment.ledger.prepay_repository import NewPayment, Prepaid
from payment.merchant import Merchant
from payment.models import ThirdPayment
from payment.paying.business import BusinessType, BusinessTypes
from payment.paying.closing import Closing
from payment.paying.reservation import Reservations
from payment.peers import Payable, UserPeer
from payment.wechat import requests
from payment.wechat.client import WechatPay
from payment.wechat.errors import Ambiguous, Busy, Meaning, Refused, WechatError
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.numbers import business_number
from servicekit.telemetry import traces

log = structlog.get_logger()
PREPAY_LIFE = timedelta(minutes=110)
"""A prepay_id is valid for two hours; it is renewed a little earlier."""


@dataclass(kw_only=True, eq=False)
class Checkout:
    """`start` is idempotent across clicks, replicas and crashes: one open payment per order, one stored request."""

    db: Database
    clock: Clock
    business_types: BusinessTypes
    users: UserPeer
    wechat: WechatPay
    reservations: Reservations
    settlement: Settlement
    closing: Closing
    merchant: Merchant
    notify_url: str
    first_query: timedelta

    async def start(self, user_id: int, order_sn: str, service_type: str) -> tuple[str, dict[str, str]]:
        """Returns the payment's number and the parameters of wx.requestPayment.

        Raises UnknownServiceType, OrderNotFound (also for another's order), OrderNotPayable, OrderAlreadyPaid,
        WechatNotLinked, WechatRefused, WechatUnavailable, PeerUnavailable.
        """
        traces.note(order_sn=order_sn)
        business = self.business_types.find(service_type)
        order = await business.owner.payable(order_sn)
        if order.user_id != user_id:
            raise OrderNotFound(f"order {order_sn}")
        if not order.payable:
            raise OrderNotPayable(f"order {order_sn} is not waiting for payment")
        openid = await self.users.openid(user_id)
        with traces.resumed("start payment", order.booking, attributes={"minsu.order_sn": order_sn}) as context:
            new = self._new_payment(order, openid, business, service_type, traces.written(context))
            if await self.reservations.open(new):
                payment = ThirdPayment(**new._asdict())
            else:
                payment = await self._reserve_alone(new)
            traces.note(payment_sn=payment.sn)
            prepay_id = await self._prepaid(payment)
        traces.note(payment_sn=payment.sn)
        return payment.sn, self.wechat.pay_parameters(self.merchant.appid, prepay_id)

    def _new_payment(
        self, order: Payable, openid: str, business: BusinessType, service_type: str, trace: traces.TraceContext
    ) -> NewPayment:
        now = self.clock()
        sn = business_number("PMT", now)
        request = requests.jsapi(
            mchid=self.merchant.mchid,
            appid=self.merchant.appid,
            description=f"{business.label} {order.title}",
            out_trade_no=sn,
            total_fen=order.total_fen,
            openid=openid,
            attach=order.order_sn,
            notify_url=self.notify_url,
            time_expire=order.expires_at,
        )
        return NewPayment(
            sn=sn,
            order_sn=order.order_sn,
            user_id=order.user_id,
            service_type=service_type,
            total_fen=order.total_fen,
            request=request,
            expires_at=order.expires_at,
            due_at=now + self.first_query,
            traceparent=trace.traceparent,
            tracestate=trace.tracestate or None,
        )

    async def _reserve_alone(self, new: NewPayment) -> ThirdPayment:
        """Insert the payment before WeChat is called, or return the order's open one."""
        async with self.db.transaction() as tx:
            await payment_repository.lock_order(tx, new.order_sn)
            status = await payment_repository.status_of_order(tx, new.order_sn)
            if status.is_closed:
                raise OrderNotPayable(f"order {new.order_sn} is closed")
            if status.is_paid:
                raise OrderAlreadyPaid(f"order {new.order_sn} is paid")
            if status.has_open:
                if (existing := await payment_repository.open_of_order(tx, new.order_sn)) is not None:
                    return existing
                raise WechatUnavailable(f"the open payment of order {new.order_sn} has just ended", retry_after=1)
            payment = ThirdPayment(**new._asdict())
            tx.add(payment)
            await tx.flush()
            return payment

    async def _prepaid(self, payment: ThirdPayment) -> str:
        now = self.clock()
        if payment.prepay_id and payment.prepay_at and now - payment.prepay_at < PREPAY_LIFE:
            return payment.prepay_id
        try:
            prepay_id = await self.wechat.prepay(payment.request)
        except Busy as error:
            raise WechatUnavailable(str(error), retry_after=5) from error
        except Refused as error:
            raise await self._refused(payment, error) from error
        except Ambiguous as error:
            raise WechatUnavailable(str(error), retry_after=2) from error
        if await self.reservations.attach(Prepaid(payment.sn, prepay_id, now)):
            return prepay_id
        raise await self._ended_meanwhile(payment)

    async def _ended_meanwhile(self, payment: ThirdPayment) -> Exception:
        """The payment was closed during the prepay, perhaps before WeChat had it: close it at WeChat again. Returns the
        error for the buyer."""
        try:
            await self.closing.close_payment(payment)
        except WechatError as error:
            log.warning("a closed payment may be open at WeChat", payment_sn=payment.sn, reason=str(error))
        async with self.db.transaction() as tx:
            if await payment_repository.paid_of_order(tx, payment.order_sn):
                return OrderAlreadyPaid(f"order {payment.order_sn} is paid")
            if await payment_repository.is_closed(tx, payment.order_sn):
                return OrderNotPayable(f"order {payment.order_sn} is closed")
        return WechatUnavailable(f"payment {payment.sn} was closed meanwhile; retry to get a new one")

    async def _refused(self, payment: ThirdPayment, error: Refused) -> Exception:
        """WeChat refused these bytes permanently: end the attempt, so that the next click sends a new request under a new
        number. A refusal is not signed, so a query decides first: a paid one is settled, an open one is closed at WeChat,
        and without a response the payment stays open. Returns the error for the buyer."""
        try:
            if await self._ended(payment):
                return OrderAlreadyPaid(f"payment {payment.sn} is paid")
        except Ambiguous as unknown:
            return WechatUnavailable(f"{error}; then {unknown}", retry_after=2)
        except Refused as unknown:
            log.warning("a refused prepay stays open", payment_sn=payment.sn, refusal=str(error), reason=str(unknown))
        if error.meaning in {Meaning.PAID, Meaning.CLOSED}:  # the request was valid, its number is used up
            return WechatUnavailable("the payment's number is used up; retry to get a new one")
        return WechatRefused(str(error))

    async def _ended(self, payment: ThirdPayment) -> bool:
        """End a payment whose prepay WeChat refused; True when it turns out to be paid. Raises WechatError."""
        try:
            verdict = await self.wechat.query(payment.sn)
        except Refused as unknown:
            if unknown.meaning is not Meaning.ABSENT:
                raise
            verdict = self.closing.closed(payment.sn, "refused")
        await self.settlement.apply(verdict)
        if verdict.trade_state not in PAID_TRADE_STATES | CLOSED_TRADE_STATES:
            await self.closing.close_payment(payment)
        return verdict.trade_state in PAID_TRADE_STATES
