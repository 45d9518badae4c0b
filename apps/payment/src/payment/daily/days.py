"""Background worker of the daily work: runs scheduled days until they are done, woken by cron or an operator."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import structlog
from prometheus_client import Gauge
from sqlalchemy import Date, Select, cast, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute

from servicekit.clock import SHANGHAI
from servicekit.stopping import stop_if_asked

log = structlog.get_logger()
OLDEST = Gauge("payment_oldest_unfinished_day_seconds", "Seconds since the oldest unfinished day was due", ["what"])
MAX_DAYS = 31
LOOK_AGAIN_SECONDS = 60.0
DUE = time(11, tzinfo=SHANGHAI)
"""Due time on the following day; by then cron has scheduled both reconciliation and payouts."""


def report_oldest(what: str, unfinished: Collection[date], now: datetime) -> None:
    """Set the gauge of `what` to the age of its oldest unfinished day; 0 when there is none."""
    due = datetime.combine(min(unfinished) + timedelta(days=1), DUE) if unfinished else now
    OLDEST.labels(what).set(max(0.0, (now - due).total_seconds()))


def missed_days(known: InstrumentedAttribute[date], yesterday: date) -> Select[Any]:
    """Query for the days without a row among the last `MAX_DAYS`, from the first known day on. Gaps count, not only days
    after the newest: an operator may schedule a new day while older ones are missing."""
    back = func.generate_series(0, MAX_DAYS - 1).column_valued("back")
    day = cast(yesterday, Date) - back
    return select(day).where(day >= select(func.min(known)).scalar_subquery(), ~exists().where(known == day))


class Daily:
    """Runs its chores at every `wake` and once a minute. A chore finds its own work and may run on several replicas."""

    def __init__(self, chores: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._chores = chores
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while True:
            for chore in self._chores:
                try:
                    await chore()
                except Exception as error:  # noqa: BLE001 - it is retried in a minute
                    log.warning("daily work must wait", reason=f"{type(error).__name__}: {error}"[:300])
                stop_if_asked()
            try:
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                continue
            self._woken.clear()
