"""Reads the ledger for operators: payments by state and age, what should end, and figures of the last hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payment.models import ThirdPayment
from payment.overview import repository
from payment.overview.repository import Failures, Open, PaidBucket
from servicekit.clock import Clock, from_unix
from servicekit.db import Database

SHOWN = (
    ("payment", "waiting"),
    ("refund", "requested"),
    ("refund", "accepted"),
    ("refund", "abnormal"),
    ("notice", "needs_review"),
    ("difference", "open"),
)
"""Subjects and states that are reported also when nothing is open."""


@dataclass(frozen=True)
class Statistics:
    """`since` and `until` are whole steps of UTC; the step that has not ended is the last one."""

    since: datetime
    until: datetime
    paid: Sequence[PaidBucket]
    failures: Sequence[Failures]


@dataclass(kw_only=True, eq=False)
class Overview:
    db: Database
    clock: Clock

    async def payments(
        self, *, last_id: int, size: int, status: int | None, older_than: timedelta | None
    ) -> Sequence[ThirdPayment]:
        """Newest first; with `older_than` those that were created at least so long ago."""
        until = None if older_than is None else self.clock() - older_than
        async with self.db.read() as session:
            return await repository.payments(session, below=last_id, size=size, status=status, until=until)

    async def unfinished(self) -> list[Open]:
        async with self.db.read() as session:
            found = {(each.subject, each.state): each for each in await repository.unfinished(session, self.clock())}
        return [found.get(each) or Open(*each, 0, 0, None, 0, 0, 0) for each in SHOWN]

    async def statistics(self, span: timedelta, step: timedelta) -> Statistics:
        """Of the last `span`, in steps; `span` is a multiple of `step`."""
        now, width = int(self.clock().timestamp()), int(step.total_seconds())
        until = from_unix(now - now % width) + step
        since = until - span
        async with self.db.read() as session:
            return Statistics(
                since,
                until,
                await repository.paid(session, since, until, step),
                await repository.failures(session, since, until),
            )
