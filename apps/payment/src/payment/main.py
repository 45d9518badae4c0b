"""The composition of payment: who gets what. Nothing is wired anywhere else."""

from collections.abc import Mapping
from datetime import timedelta

import httpx
from fastapi import FastAPI

from payment import jobs
from payment.bill_repair import BillRepair
from payment.business import BusinessType, BusinessTypes
from payment.callbacks import Callbacks
from payment.checkout import Checkout
from payment.closing import Closing
from payment.daily import Daily
from payment.earnings import Earnings
from payment.endpoints import internal, operations, third_payment, wechat_notify
from payment.inquiry import Inquiry
from payment.ledger import Ledger
from payment.notices import Notices
from payment.peers import OrderPeer, StayPeer, UserPeer
from payment.reconciliation import Reconciling
from payment.refund_rescue import RefundRescue
from payment.refund_settlement import RefundSettlement
from payment.refunds import Refunds
from payment.repayment import Repayment
from payment.return_query import ReturnQuery
from payment.settings import Settings
from payment.settlement import Settlement
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
from servicekit.sidecar import Sidecar


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
    repayment = Repayment(
        db,
        clock,
        wechat,
        refund_settlement,
        str(settings.wxpay_refund_notify_url),
        timedelta(seconds=settings.between_refunds_seconds),
    )
    refunds = Refunds(db, clock, repayment.wake)
    rescue = RefundRescue(db, clock, wechat, refund_settlement, repayment)
    consumers = [on_refund_requested(refunds)]
    reconciling = Reconciling(db, clock, Bills(wechat), BillRepair(db, clock, wechat, settlement, refund_settlement))
    earnings = Earnings(db, clock, StayPeer(sidecar), settings.wxpay_fee_basis_points)
    daily = Daily([reconciling.run_wanted, earnings.settle_wanted])
    notices = Notices(db, clock)
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
            Ledger(db, on_return),
            notices,
            reconciling,
            earnings,
            daily,
            Callbacks(NotificationReader(wechat.keys, connection.api_v3_key, clock), settlement, refund_settlement),
            Inquiry(db, clock, wechat, settlement, closing),
            refunds,
            repayment,
            rescue,
        ],
        sidecar=sidecar,
        verifier=verifier or TokenVerifier.by_invocation(sidecar),
        clock=clock,
        db=db,
        background=[
            repayment,
            daily,
        ],
        outbox=True,
        idempotency_keys=True,
        metrics=[notices.measure, reconciling.measure, earnings.measure],
        dead_letters=letters,
        callbacks=wechat_notify.CALLBACKS,
        unfinished=UNFINISHED,
        on_stop=[on_return.close, connection.close],
    )
