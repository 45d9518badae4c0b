"""Background worker of the daily work: runs scheduled days until they are done, woken by cron or an operator."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import Date, Select, cast, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute

from servicekit.clock import SHANGHAI
from servicekit.loop import Loop, Step

OLDEST = Gauge("payment_oldest_unfinished_day_seconds", "Seconds since the oldest unfinished day was due", ["what"])
MAX_DAYS = 31
LOOK_AGAIN_SECONDS = 60.0
DUE = time(11, tzinfo=SHANGHAI)
"""Due time on the following day; by then cron has scheduled both reconciliation and payouts."""


def yesterday(now: datetime) -> date:
    """The last day that is over in Asia/Shanghai, by whose days WeChat's bills and the payouts go."""
    return now.astimezone(SHANGHAI).date() - timedelta(days=1)


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


class Daily(Loop):
    """The loop of the daily work: a round at every `wake` and once a minute. A step finds its own work and may run on
    several replicas."""

    def __init__(self, *steps: Step) -> None:
        super().__init__(*steps, name="daily work", every_seconds=LOOK_AGAIN_SECONDS)
