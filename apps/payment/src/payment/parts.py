"""What payment consists of and who gets what: wired here once, for the app, the commands and the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import httpx

from payment import personal_data
from payment.daily.bill_repair import BillRepair
from payment.daily.days import Daily
from payment.daily.payouts import Payouts
from payment.daily.reconciliation import Reconciler
from payment.daily.report import Report
from payment.daily.statements import Statements
from payment.ledger.inspection import Inspection
from payment.ledger.payments import Settlement
from payment.ledger.refunds import RefundSettlement
from payment.ledger.reviews import ReviewQueue
from payment.overview.overview import Overview
from payment.paying.business import BusinessType, BusinessTypes
from payment.paying.checkout import Checkout
from payment.paying.closing import Closing
from payment.paying.inquiry import Inquiry
from payment.paying.reservation import Reservations
from payment.paying.return_query import ReturnQuery
from payment.paying.status import PaymentQueries
from payment.peers import OrderPeer, UserPeer
from payment.refunding.approvals import Approvals
from payment.refunding.requests import RefundRequests
from payment.refunding.rescue import RefundRescue
from payment.refunding.submission import RefundSubmission
from payment.settings import PaymentSettings
from payment.subscriptions import on_refund_requested
from payment.waiting import OpenRefunds
from payment.wechat.connection import Connection, connect
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.events import Consumer
from servicekit.personal_data import PersonalData
from servicekit.sidecar import Sidecar


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The use-cases of payment, and what they share."""

    db: Database
    sidecar: Sidecar
    wechat: Connection
    settlement: Settlement
    refund_settlement: RefundSettlement
    reviews: ReviewQueue
    inspection: Inspection
    personal_data: PersonalData
    checkout: Checkout
    closing: Closing
    inquiry: Inquiry
    on_return: ReturnQuery
    queries: PaymentQueries
    refunds: RefundRequests
    submission: RefundSubmission
    approvals: Approvals
    rescue: RefundRescue
    reconciler: Reconciler
    report: Report
    overview: Overview
    open_refunds: OpenRefunds
    payouts: Payouts
    statements: Statements
    daily: Daily
    consumers: tuple[Consumer[Any], ...]
    dead_letters: DeadLetters

    @classmethod
    def of(
        cls,
        settings: PaymentSettings,
        secrets: Mapping[str, str],
        *,
        clock: Clock = utc_now,
        db: Database | None = None,
        sidecar: Sidecar | None = None,
        orders: OrderPeer | None = None,
        users: UserPeer | None = None,
        wechat: Connection | None = None,
        wechat_transport: httpx.AsyncBaseTransport | None = None,
        more_business: Mapping[str, BusinessType] | None = None,
    ) -> Self:
        """Everything by `settings` and `secrets` (those of `wechat.connection`) but for what is handed in, such as a test's
        clock, database or peers. `more_business` is registered beside what is sold today. Other services read their secrets
        after the start (`use_secrets`); these are needed for every object that speaks with WeChat. Raises BadSecret."""
        wechat = wechat or connect(settings, secrets, clock, transport=wechat_transport)
        db, sidecar = db or Database.of(settings), sidecar or Sidecar.of(settings)
        orders = orders or OrderPeer(sidecar=sidecar)
        users = users or UserPeer(sidecar=sidecar, appid=settings.wxpay_appid)
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
            reservations=Reservations(db=db),
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
        approvals = Approvals(db=db, clock=clock, limit_fen=settings.four_eyes_fen)
        refunds = RefundRequests(db=db, clock=clock, wake=submission.wake)
        repair = BillRepair(db=db, clock=clock, wechat=pay, settlement=settlement, refund_settlement=refund_settlement)
        reconciler = Reconciler(db=db, clock=clock, bills=wechat.bills, repair=repair, merchant=merchant)
        payouts = Payouts(db=db, clock=clock, orders=orders, fee_basis_points=settings.wxpay_fee_basis_points)
        consumers = (on_refund_requested(refunds),)
        return cls(
            db=db,
            sidecar=sidecar,
            wechat=wechat,
            settlement=settlement,
            refund_settlement=refund_settlement,
            reviews=ReviewQueue(db=db, clock=clock),
            inspection=Inspection(db=db),
            personal_data=PersonalData(
                db=db,
                clock=clock,
                holdings=personal_data.HOLDINGS,
                retentions=personal_data.retentions(settings),
            ),
            checkout=checkout,
            closing=closing,
            inquiry=Inquiry(db=db, clock=clock, wechat=pay, settlement=settlement, closing=closing),
            on_return=on_return,
            queries=PaymentQueries(db=db, on_return=on_return),
            refunds=refunds,
            submission=submission,
            approvals=approvals,
            rescue=RefundRescue(
                db=db,
                clock=clock,
                wechat=pay,
                settlement=refund_settlement,
                approvals=approvals,
                wake=submission.wake,
            ),
            reconciler=reconciler,
            report=Report(db=db),
            overview=Overview(db=db, clock=clock),
            open_refunds=OpenRefunds(db=db, clock=clock),
            payouts=payouts,
            statements=Statements(db=db),
            daily=Daily(reconciler.run_scheduled, payouts.run_scheduled),
            consumers=consumers,
            dead_letters=DeadLetters(db=db, clock=clock, app_id="payment", consumers=consumers),
        )

    async def close(self) -> None:
        """End the queries that are running and the connections to WeChat. Sidecar and database are the caller's to close,
        after this."""
        await self.on_return.close()
        await self.wechat.close()
