"""Composition root of payment: the only place where objects are wired."""

from collections.abc import Mapping
from datetime import timedelta

import httpx
from fastapi import FastAPI

from payment import jobs
from payment.daily.bill_repair import BillRepair
from payment.daily.days import Daily
from payment.daily.payouts import Payouts
from payment.daily.reconciliation import Reconciler
from payment.endpoints import internal, operations, third_payment, wechat_notify
from payment.ledger.payments import Settlement
from payment.ledger.refunds import RefundSettlement
from payment.ledger.reviews import ReviewQueue
from payment.paying.business import BusinessType, BusinessTypes
from payment.paying.checkout import Checkout
from payment.paying.closing import Closing
from payment.paying.inquiry import Inquiry
from payment.paying.return_query import ReturnQuery
from payment.paying.status import PaymentQueries
from payment.peers import OrderPeer, StayPeer, UserPeer
from payment.refunding.requests import RefundRequests
from payment.refunding.rescue import RefundRescue
from payment.refunding.submission import RefundSubmission
from payment.settings import Settings
from payment.subscriptions import on_refund_requested
from payment.waiting import UNFINISHED
from payment.wechat.bills import Bills
from payment.wechat.connection import connect
from payment.wechat.notifications import NotificationReader
from servicekit.app import build
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.events import bulk_routes
from servicekit.idempotency import Idempotency
from servicekit.relay import Relay
from servicekit.sidecar import Sidecar
from servicekit.upkeep import Upkeep, old_events


def create_app(
    settings: Settings,
    secrets: Mapping[str, str],
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
    wechat_transport: httpx.AsyncBaseTransport | None = None,
    more_business: Mapping[str, BusinessType] | None = None,
) -> FastAPI:
    """`secrets` are those of `wechat.connection`; `more_business` is registered beside what we sell today."""
    sidecar = sidecar or Sidecar.of(settings)
    db = Database.of(settings)
    connection = connect(settings, secrets, clock, transport=wechat_transport)
    wechat = connection.pay

    settlement = Settlement(db, clock, settings.wxpay_mchid, settings.wxpay_appid)
    closing = Closing(db, clock, wechat, settlement, settings.wxpay_appid, settings.wxpay_mchid)
    on_return = ReturnQuery(db, clock, wechat, settlement)
    checkout = Checkout(
        db,
        clock,
        BusinessTypes({"homestayOrder": BusinessType("民宿订单", OrderPeer(sidecar)), **(more_business or {})}),
        UserPeer(sidecar, settings.wxpay_appid),
        wechat,
        settlement,
        closing,
        settings.wxpay_appid,
        settings.wxpay_mchid,
        str(settings.wxpay_notify_url),
        timedelta(seconds=settings.first_query_seconds),
    )
    refund_settlement = RefundSettlement(db, clock, settings.wxpay_mchid)
    submission = RefundSubmission(
        db,
        clock,
        wechat,
        refund_settlement,
        str(settings.wxpay_refund_notify_url),
        timedelta(seconds=settings.refund_spacing_seconds),
    )
    refunds = RefundRequests(db, clock, submission.wake)
    rescue = RefundRescue(db, clock, wechat, refund_settlement, submission)
    consumers = [on_refund_requested(refunds)]
    reconciler = Reconciler(db, clock, Bills(wechat), BillRepair(db, clock, wechat, settlement, refund_settlement))
    payouts = Payouts(db, clock, StayPeer(sidecar), settings.wxpay_fee_basis_points)
    daily = Daily([reconciler.run_scheduled, payouts.run_scheduled])
    notices = ReviewQueue(db, clock)
    keys = Idempotency(db, clock, keep=timedelta(days=settings.idempotency_keep_days))
    letters = DeadLetters(db, clock, "payment", consumers)
    return build(
        "payment",
        settings,
        routers=[
            third_payment.router,
            wechat_notify.router,
            internal.router,
            operations.router,
            jobs.router,
            bulk_routes(*consumers),
        ],
        provides=[
            checkout,
            closing,
            letters,
            PaymentQueries(db, on_return),
            notices,
            reconciler,
            payouts,
            daily,
            NotificationReader(wechat.keys, connection.api_v3_key, clock),
            settlement,
            refund_settlement,
            Inquiry(db, clock, wechat, settlement, closing),
            refunds,
            submission,
            rescue,
        ],
        sidecar=sidecar,
        verifier=verifier or TokenVerifier.by_invocation(sidecar),
        clock=clock,
        db=db,
        background=[
            Relay(db, sidecar, keep_days=settings.outbox_keep_days),
            submission,
            daily,
            Upkeep(notices.measure, reconciler.measure, payouts.measure, every_seconds=15),
            Upkeep(keys.prune, old_events(db, settings.inbox_keep_days)),
        ],
        dead_letters=letters,
        callbacks=wechat_notify.CALLBACKS,
        unfinished=[*UNFINISHED, keys.unfinished],
        on_stop=[on_return.close, connection.close],
    )
