"""The age of the oldest thing in each state that should end, as a metric, beside the bound beyond which somebody must look.

A service lists its states in `waiting.py`; one alert (StateDoesNotEnd) watches them all, so a new state needs a row there
and nothing else. A test holds the rows and the states of all models together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import Select

from servicekit.clock import Clock
from servicekit.db import Database

OLDEST = Gauge("unfinished_oldest_seconds", "Age of the oldest thing in a state that should end", ["state"])
LIMIT = Gauge("unfinished_limit_seconds", "The age beyond which somebody must look", ["state"])


@dataclass(frozen=True)
class Unfinished:
    """`state` is `<table>.<state>`; `since` selects the moment from which the oldest one's age counts, or null: every 15
    seconds, so from few rows or by an index. `gauge`: one of its own that also tells the age, for an alert of its own."""

    state: str
    since: Select[Any]
    limit: timedelta
    gauge: Gauge | None = None


class Ages:
    def __init__(self, db: Database, clock: Clock, states: Sequence[Unfinished]) -> None:
        self._db, self._clock, self._states = db, clock, states
        for each in states:
            LIMIT.labels(each.state).set(each.limit.total_seconds())

    async def measure(self) -> None:
        """0 where nothing is in the state, or not yet due."""
        for each in self._states:
            async with self._db.read() as session:
                since = await session.scalar(each.since)
            age = 0.0 if since is None else max(0.0, (self._clock() - since).total_seconds())
            OLDEST.labels(each.state).set(age)
            if each.gauge is not None:
                each.gauge.set(age)
