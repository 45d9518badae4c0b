"""Order states that must not last, with the limit of each, for servicekit.unfinished."""

from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import Gauge

from order import refund_repository, repository
from order.pricing import Stay
from servicekit.db import Database
from servicekit.unfinished import Unfinished

REFUND_REQUESTS = Gauge("order_refund_requests_oldest_seconds", "Age of the oldest unanswered refund request")
CLOSINGS = Gauge("order_closings_oldest_seconds", "Age of the oldest closing of an order")

FAILED_REFUNDS = Gauge("order_refunds_failed", "Refunds that failed and were not requested again")
FAILED_REFUNDS_AGE = Gauge("order_refunds_failed_oldest_seconds", "Age of the oldest of them")

UNFINISHED = [
    Unfinished("homestay_order.wait_pay", repository.oldest_unpaid(), timedelta(minutes=30)),
    Unfinished("homestay_order.closing", repository.oldest_closing(), timedelta(minutes=30), CLOSINGS),
    Unfinished(
        "homestay_order.wait_use",
        repository.oldest_stay_over(),
        timedelta(hours=1),
        moment=lambda day: Stay(day, day).ends_at,
    ),
    Unfinished("homestay_order.asked", repository.oldest_unanswered(), timedelta(hours=25), REFUND_REQUESTS),
    Unfinished("order_refund.requested", refund_repository.oldest_requested(), timedelta(days=1)),
    Unfinished("homestay_order.failed", repository.oldest_failed_refund(), timedelta(days=1), FAILED_REFUNDS_AGE),
]


@dataclass(kw_only=True, eq=False)
class FailedRefunds:
    db: Database

    async def measure(self) -> None:
        async with self.db.read() as session:
            FAILED_REFUNDS.set(await repository.count_failed_refunds(session))
