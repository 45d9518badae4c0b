"""What payment consists of and who gets what: wired here once, for the app, the commands and the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import httpx

from payment.daily.bill_repair import BillRepair
from payment.daily.days import Daily
from payment.daily.payouts import Payouts
from payment.daily.reconciliation import Reconciler
from payment.daily.report import Report
from payment.ledger.payments import Settlement
from payment.ledger.refunds import RefundSettlement
from payment.ledger.reviews import ReviewQueue
from payment.paying.business import BusinessType, BusinessTypes
from payment.paying.checkout import Checkout
from payment.paying.closing import Closing
from payment.paying.inquiry import Inquiry
from payment.paying.return_query import ReturnQuery
from payment.paying.status import PaymentQueries
from payment.peers import OrderPeer, UserPeer
from payment.refunding.requests import RefundRequests
from payment.refunding.rescue import RefundRescue
from payment.refunding.submission import RefundSubmission
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
    queries: PaymentQueries
    refunds: RefundRequests
    submission: RefundSubmission
    rescue: RefundRescue
    reconciler: Reconciler
    report: Report
    payouts: Payouts
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
        submission = RefundSubmission(
            db=db,
            clock=clock,
            wechat=pay,
            settlement=refund_settlement,
            notify_url=str(settings.wxpay_refund_notify_url),
            spacing=timedelta(seconds=settings.refund_spacing_seconds),
        )
        refunds = RefundRequests(db=db, clock=clock, wake=submission.wake)
        repair = BillRepair(db=db, clock=clock, wechat=pay, settlement=settlement, refund_settlement=refund_settlement)
        reconciler = Reconciler(db=db, clock=clock, bills=wechat.bills, repair=repair, merchant=merchant)
        payouts = Payouts(db=db, clock=clock, orders=orders, fee_basis_points=settings.wxpay_fee_basis_points)
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
            queries=PaymentQueries(db=db, on_return=on_return),
            refunds=refunds,
            submission=submission,
            rescue=RefundRescue(db=db, clock=clock, wechat=pay, settlement=refund_settlement, wake=submission.wake),
            reconciler=reconciler,
            report=Report(db=db),
            payouts=payouts,
            daily=Daily(reconciler.run_scheduled, payouts.run_scheduled),
            consumers=consumers,
            letters=DeadLetters(db, clock, "payment", consumers),
        )

    async def close(self) -> None:
        """End the questions that are under way and the connections to WeChat. The database is the caller's to close."""
        await self.on_return.close()
        await self.wechat.close()
