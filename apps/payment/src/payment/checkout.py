"""Prepay: from an order to the parameters with which the mini-program opens WeChat's cashier."""

from dataclasses import dataclass
from datetime import timedelta

from payment import repository
from payment.business import BusinessType, BusinessTypes
from payment.errors import OrderAlreadyPaid, OrderNotFound, OrderNotPayable, WechatRefused, WechatUnavailable
from payment.models import ThirdPayment
from payment.peers import Payable, UserPeer
from payment.settlement import Settlement
from payment.wechat import requests
from payment.wechat.client import WechatPay
from payment.wechat.errors import Ambiguous, Busy, Meaning, Refused
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.numbers import business_number

PREPAY_LIFE = timedelta(minutes=110)
"""WeChat's prepay_id lives two hours; ours is asked for again a little before."""


@dataclass(frozen=True)
class Checkout:
    """`start` may be clicked twice, from two replicas, or again after a crash: one open payment per order, one request."""

    db: Database
    clock: Clock
    business_types: BusinessTypes
    users: UserPeer
    wechat: WechatPay
    settlement: Settlement
    appid: str
    mchid: str
    notify_url: str
    first_query: timedelta

    async def start(self, user_id: int, order_sn: str, service_type: str) -> tuple[str, dict[str, str]]:
        """Answers the payment's number and wx.requestPayment's parameters.

        Raises UnknownServiceType, OrderNotFound (also for another's order), OrderNotPayable, OrderAlreadyPaid,
        WechatNotLinked, WechatRefused, WechatUnavailable, PeerUnavailable.
        """
        business = self.business_types.find(service_type)
        order = await business.owner.payable(order_sn)
        if order.user_id != user_id:
            raise OrderNotFound(f"order {order_sn}")
        if not order.payable:
            raise OrderNotPayable(f"order {order_sn} is not waiting for payment")
        openid = await self.users.openid(user_id)
        payment = await self._reserve(order, openid, business, service_type)
        prepay_id = await self._prepaid(payment)
        return payment.sn, self.wechat.pay_parameters(self.appid, prepay_id)

    async def _reserve(self, order: Payable, openid: str, business: BusinessType, service_type: str) -> ThirdPayment:
        """The row exists before WeChat is called: whatever WeChat then says belongs to something."""
        now = self.clock()
        async with self.db.transaction() as tx:
            await repository.lock_order(tx, order.order_sn)
            if await repository.is_closed(tx, order.order_sn):
                raise OrderNotPayable(f"order {order.order_sn} is closed")
            if await repository.paid_of_order(tx, order.order_sn):
                raise OrderAlreadyPaid(f"order {order.order_sn} is paid")
            if (existing := await repository.open_of_order(tx, order.order_sn)) is not None:
                return existing
            sn = business_number("PMT", now)
            payment = ThirdPayment(
                sn=sn,
                order_sn=order.order_sn,
                user_id=order.user_id,
                service_type=service_type,
                total_fen=order.total_fen,
                expires_at=order.expires_at,
                next_query_at=now + self.first_query,
                request=requests.jsapi(
                    mchid=self.mchid,
                    appid=self.appid,
                    description=f"{business.label} {order.title}",
                    out_trade_no=sn,
                    total_fen=order.total_fen,
                    openid=openid,
                    attach=order.order_sn,
                    notify_url=self.notify_url,
                    time_expire=order.expires_at,
                ),
            )
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
            raise await self._refusal(payment, error) from error
        except Ambiguous as error:
            raise WechatUnavailable(str(error), retry_after=2) from error
        async with self.db.transaction() as tx:
            await repository.attach_prepay(tx, payment.sn, prepay_id, now)
        return prepay_id

    async def _refusal(self, payment: ThirdPayment, error: Refused) -> Exception:
        """WeChat will not take the number again: its own word on the number says why, and settles what it can."""
        if error.meaning not in {Meaning.PAID, Meaning.CLOSED} and error.code != "INVALID_REQUEST":
            return WechatRefused(str(error))
        try:
            verdict = await self.wechat.query(payment.sn)
        except (Ambiguous, Refused):
            return WechatRefused(str(error)) if error.code == "INVALID_REQUEST" else WechatUnavailable(str(error))
        await self.settlement.apply(verdict)
        if verdict.trade_state in {"SUCCESS", "REFUND"}:
            return OrderAlreadyPaid(f"payment {payment.sn} is paid")
        if verdict.trade_state == "CLOSED":
            return WechatUnavailable("the payment was closed; ask again for a new one")
        return WechatRefused(str(error))
