"""What payment consists of and who gets what: wired here once, for the app, the commands and the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import httpx

from payment.daily.bill_repair import BillRepair
from payment.daily.days import Daily
from payment.daily.payouts import Earnings
from payment.daily.reconciliation import Reconciling
from payment.daily.report import Report
from payment.ledger.payments import Settlement
from payment.ledger.refunds import RefundSettlement
from payment.ledger.reviews import ReviewQueue
from payment.paying.business import BusinessType, BusinessTypes
from payment.paying.checkout import Checkout
from payment.paying.closing import Closing
from payment.paying.inquiry import Inquiry
from payment.paying.return_query import ReturnQuery
from payment.paying.status import Ledger
from payment.peers import OrderPeer, UserPeer
from payment.refunding.requests import Refunds
from payment.refunding.rescue import RefundRescue
from payment.refunding.submission import Repayment
from payment.settings import PaymentSettings
from payment.subscriptions import on_refund_requested
from payment.wechat.connection import Connection, connect
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.events import Consumer
from servicekit.sidecar import Sidecar


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The use-cases of payment, and what they share."""

    db: Database
    wechat: Connection
    settlement: Settlement
    refund_settlement: RefundSettlement
    reviews: ReviewQueue
    checkout: Checkout
    closing: Closing
    inquiry: Inquiry
    on_return: ReturnQuery
    ledger: Ledger
    refunds: Refunds
    repayment: Repayment
    rescue: RefundRescue
    reconciling: Reconciling
    report: Report
    earnings: Earnings
    daily: Daily
    consumers: tuple[Consumer[Any], ...]
    letters: DeadLetters

    @classmethod
    def of(
        cls,
        settings: PaymentSettings,
        secrets: Mapping[str, str],
        *,
        sidecar: Sidecar,
        clock: Clock = utc_now,
        wechat_transport: httpx.AsyncBaseTransport | None = None,
        more_business: Mapping[str, BusinessType] | None = None,
    ) -> Self:
        """`secrets` are those of `wechat.connection`; `more_business` is registered beside what we sell today. Raises
        BadSecret."""
        return cls.wired(
            settings,
            db=Database.of(settings),
            clock=clock,
            wechat=connect(settings, secrets, clock, transport=wechat_transport),
            orders=OrderPeer(sidecar),
            users=UserPeer(sidecar, settings.wxpay_appid),
            more_business=more_business,
        )

    @classmethod
    def wired(
        cls,
        settings: PaymentSettings,
        *,
        db: Database,
        clock: Clock,
        wechat: Connection,
        orders: OrderPeer,
        users: UserPeer,
        more_business: Mapping[str, BusinessType] | None = None,
    ) -> Self:
        """The same around a database, a WeChat and peers that exist already, such as those of tests."""
        merchant, pay = settings.merchant, wechat.pay
        business = {"homestayOrder": BusinessType("民宿订单", orders), **(more_business or {})}
        settlement = Settlement(db=db, clock=clock, merchant=merchant)
        refund_settlement = RefundSettlement(db=db, clock=clock, merchant=merchant)
        closing = Closing(db=db, clock=clock, wechat=pay, settlement=settlement, merchant=merchant)
        on_return = ReturnQuery(db=db, clock=clock, wechat=pay, settlement=settlement)
        checkout = Checkout(
            db=db,
            clock=clock,
            business_types=BusinessTypes(business),
            users=users,
            wechat=pay,
            settlement=settlement,
            closing=closing,
            merchant=merchant,
            notify_url=str(settings.wxpay_notify_url),
            first_query=timedelta(seconds=settings.first_query_seconds),
        )
        repayment = Repayment(
            db=db,
            clock=clock,
            wechat=pay,
            settlement=refund_settlement,
            notify_url=str(settings.wxpay_refund_notify_url),
            between_two=timedelta(seconds=settings.between_refunds_seconds),
        )
        refunds = Refunds(db=db, clock=clock, wake=repayment.wake)
        repair = BillRepair(db=db, clock=clock, wechat=pay, settlement=settlement, refund_settlement=refund_settlement)
        reconciling = Reconciling(db=db, clock=clock, bills=wechat.bills, repair=repair, merchant=merchant)
        earnings = Earnings(db=db, clock=clock, orders=orders, fee_basis_points=settings.wxpay_fee_basis_points)
        consumers = (on_refund_requested(refunds),)
        return cls(
            db=db,
            wechat=wechat,
            settlement=settlement,
            refund_settlement=refund_settlement,
            reviews=ReviewQueue(db=db, clock=clock),
            checkout=checkout,
            closing=closing,
            inquiry=Inquiry(db=db, clock=clock, wechat=pay, settlement=settlement, closing=closing),
            on_return=on_return,
            ledger=Ledger(db=db, on_return=on_return),
            refunds=refunds,
            repayment=repayment,
            rescue=RefundRescue(db=db, clock=clock, wechat=pay, settlement=refund_settlement, wake=repayment.wake),
            reconciling=reconciling,
            report=Report(db=db),
            earnings=earnings,
            daily=Daily(reconciling.run_wanted, earnings.settle_wanted),
            consumers=consumers,
            letters=DeadLetters(db, clock, "payment", consumers),
        )

    async def close(self) -> None:
        """End the questions that are under way and the connections to WeChat. The database is the caller's to close."""
        await self.on_return.close()
        await self.wechat.close()
