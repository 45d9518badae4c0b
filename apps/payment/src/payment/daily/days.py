"""What is done once a day, and again until it is through: beside the requests, woken by cron or by an operator."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from prometheus_client import Gauge

from servicekit.clock import SHANGHAI
from servicekit.loop import Loop, Step

OLDEST = Gauge(
    "payment_oldest_unfinished_day_seconds", "How long the oldest day that is not done has been due", ["what"]
)
LOOK_AGAIN_SECONDS = 60.0
DUE = time(11, tzinfo=SHANGHAI)
"""On the day after: by then cron has written it down for both kinds of work."""


def tell_oldest(what: str, unfinished: Collection[date], now: datetime) -> None:
    due = datetime.combine(min(unfinished) + timedelta(days=1), DUE) if unfinished else now
    OLDEST.labels(what).set(max(0.0, (now - due).total_seconds()))


class Daily(Loop):
    """The loop of the daily work: a round at every `wake`, and once a minute. Each step knows itself whether there is
    anything to do."""

    def __init__(self, *steps: Step) -> None:
        super().__init__(*steps, name="daily work", every_seconds=LOOK_AGAIN_SECONDS)
