"""What is done once a day, and again until it is through: beside the requests, woken by cron or by an operator."""

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
OLDEST = Gauge(
    "payment_oldest_unfinished_day_seconds", "How long the oldest day that is not done has been due", ["what"]
)
MAX_DAYS = 31
LOOK_AGAIN_SECONDS = 60.0
DUE = time(11, tzinfo=SHANGHAI)
"""On the day after: by then cron has written it down for both kinds of work."""


def report_oldest(what: str, unfinished: Collection[date], now: datetime) -> None:
    due = datetime.combine(min(unfinished) + timedelta(days=1), DUE) if unfinished else now
    OLDEST.labels(what).set(max(0.0, (now - due).total_seconds()))


def missed_days(known: InstrumentedAttribute[date], yesterday: date) -> Select[Any]:
    """The days without a row of their own among the last 31, from the first that is known. Not: those after the newest,
    for an operator may ask for a new day while old ones are missing."""
    back = func.generate_series(0, MAX_DAYS - 1).column_valued("back")
    day = cast(yesterday, Date) - back
    return select(day).where(day >= select(func.min(known)).scalar_subquery(), ~exists().where(known == day))


class Daily:
    """Runs its chores at every `wake`, and once a minute: each knows itself whether there is anything to do, and is safe
    beside itself on another replica."""

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
                except Exception as error:  # noqa: BLE001 - it comes again in a minute
                    log.warning("daily work must wait", reason=f"{type(error).__name__}: {error}"[:300])
                stop_if_asked()
            try:
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                continue
            self._woken.clear()
