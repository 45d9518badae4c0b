"""The composition root: who works with whom. The only wiring of this service."""

from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from order import jobs, peers, subscriptions
from order.batch import Batch
from order.booking import Booking
from order.checkin import CheckIn
from order.closing import Closing
from order.endpoints import buyer, internal, merchant, operations
from order.expiry import Expiry
from order.fulfilment import Fulfilment
from order.lookup import Lookup
from order.refunds import Refunds
from order.settings import Settings
from order.waiting import UNFINISHED, FailedRefunds
from servicekit.app import build
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.events import Consumer, bulk_routes
from servicekit.sidecar import Sidecar


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    sidecar = sidecar or Sidecar.of(settings)
    db = Database.of(settings)
    travel, payment = peers.Travel(sidecar), peers.Payment(sidecar)
    refunds = Refunds(db, clock)
    fulfilment = Fulfilment(db, clock, refunds)
    consumers: list[Consumer[Any]] = [
        subscriptions.payment_status(fulfilment, Batch(db, clock)),
        subscriptions.refund_failed(refunds),
    ]
    letters = DeadLetters(db, clock, "order", consumers)
    answer_within = timedelta(seconds=settings.refund_answer_seconds)
    expiry = Expiry(db, clock, refunds, answer_within=answer_within, batch=settings.expire_batch)
    return build(
        "order",
        settings,
        routers=[
            buyer.router,
            merchant.router,
            operations.router,
            internal.router,
            jobs.router,
            bulk_routes(*consumers),
        ],
        provides=[
            Booking(db, clock, travel, pay_window=timedelta(seconds=settings.pay_window_seconds)),
            CheckIn(
                db,
                clock,
                misses=settings.checkin_misses,
                window=timedelta(seconds=settings.checkin_window_seconds),
            ),
            Closing(
                db,
                clock,
                payment,
                fulfilment,
                lease=timedelta(seconds=settings.close_lease_seconds),
                batch=settings.close_batch,
                parallel=settings.close_parallel,
            ),
            expiry,
            Lookup(db, clock, payment, answer_within=answer_within),
            letters,
            refunds,
        ],
        sidecar=sidecar,
        verifier=verifier or TokenVerifier.by_invocation(sidecar),
        clock=clock,
        db=db,
        outbox=True,
        idempotency_keys=True,
        metrics=[FailedRefunds(db).measure],
        upkeep=[expiry.forget_misses],
        dead_letters=letters,
        unfinished=UNFINISHED,
    )
