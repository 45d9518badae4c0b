"""What the order service is made of, wired in one place: the app, commands and tests take their objects from here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from order import personal_data
from order.batch import Batch
from order.booking import Booking
from order.checkin import CheckIn
from order.closing import Closing
from order.expiry import Expiry
from order.fulfilment import Fulfilment
from order.goodwill import Goodwill
from order.inspection import Inspection
from order.lookup import Lookup
from order.peers import PaymentPeer, TravelPeer
from order.quoting import Quoting
from order.refunds import Refunds
from order.reservation import Reservations
from order.settings import Settings
from order.statistics import Statistics
from order.subscriptions import on_pay_status_updated, on_refund_failed
from order.waiting import FailedRefunds
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.events import Consumer
from servicekit.personal_data import PersonalData
from servicekit.sidecar import Sidecar


@dataclass(frozen=True, kw_only=True)
class Parts:
    settings: Settings
    clock: Clock
    db: Database
    sidecar: Sidecar
    booking: Booking
    quoting: Quoting
    closing: Closing
    refunds: Refunds
    goodwill: Goodwill
    fulfilment: Fulfilment
    checkin: CheckIn
    expiry: Expiry
    lookup: Lookup
    statistics: Statistics
    failed_refunds: FailedRefunds
    inspection: Inspection
    personal_data: PersonalData
    consumers: tuple[Consumer[Any], ...]
    dead_letters: DeadLetters

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        sidecar: Sidecar | None = None,
        db: Database | None = None,
        travel: TravelPeer | None = None,
        payment: PaymentPeer | None = None,
    ) -> Self:
        """Everything by `settings` but for what is handed in: a test's clock, sidecar, database or peers."""
        db, sidecar = db or Database.of(settings), sidecar or Sidecar.of(settings)
        travel, payment = travel or TravelPeer(sidecar=sidecar), payment or PaymentPeer(sidecar=sidecar)
        answer_within = timedelta(seconds=settings.refund_answer_seconds)
        refunds = Refunds(db=db, clock=clock)
        fulfilment = Fulfilment(db=db, clock=clock, refunds=refunds)
        consumers = (
            on_pay_status_updated(fulfilment, Batch(db=db, clock=clock)),
            on_refund_failed(refunds),
        )
        return cls(
            settings=settings,
            clock=clock,
            db=db,
            sidecar=sidecar,
            refunds=refunds,
            goodwill=Goodwill(db=db, refunds=refunds),
            fulfilment=fulfilment,
            booking=Booking(
                db=db,
                clock=clock,
                travel=travel,
                reservations=Reservations(db=db, clock=clock, most_unpaid=settings.most_unpaid),
                pay_window=timedelta(seconds=settings.pay_window_seconds),
            ),
            quoting=Quoting(db=db, clock=clock, travel=travel),
            closing=Closing(
                db=db,
                clock=clock,
                payment=payment,
                fulfilment=fulfilment,
                lease=timedelta(seconds=settings.close_lease_seconds),
                batch=settings.close_batch,
                parallel=settings.close_parallel,
            ),
            checkin=CheckIn(
                db=db,
                clock=clock,
                misses=settings.checkin_misses,
                window=timedelta(seconds=settings.checkin_window_seconds),
            ),
            expiry=Expiry(
                db=db, clock=clock, refunds=refunds, answer_within=answer_within, batch=settings.expire_batch
            ),
            lookup=Lookup(db=db, clock=clock, payment=payment, answer_within=answer_within),
            statistics=Statistics(db=db, clock=clock),
            failed_refunds=FailedRefunds(db=db),
            inspection=Inspection(db=db, clock=clock),
            personal_data=PersonalData(
                db=db,
                clock=clock,
                holdings=personal_data.HOLDINGS,
                retentions=personal_data.retentions(settings.texts_keep_days),
                open_orders=personal_data.open_orders,
            ),
            consumers=consumers,
            dead_letters=DeadLetters(db=db, clock=clock, app_id="order", consumers=consumers),
        )
