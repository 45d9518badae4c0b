"""Metrics of unfinished work: the age of the oldest row in each state that should end, and its limit.

A service lists its states in `waiting.py`; two alerts (StateDoesNotEnd, StateIsOverdue) watch them all, so a new state
needs a row there and nothing else. A test holds the rows and the states of all models together. An age that cannot be
read is NaN, never a stale value, and is counted for an alert of its own (StateIsNotMeasured): no comparison is true of NaN.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Select, select

from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.error_texts import error_text

OLDEST = Gauge("unfinished_oldest_seconds", "Age of the oldest row in a state that should end", ["state"])
LIMIT = Gauge("unfinished_limit_seconds", "The age beyond which an operator must look", ["state"])
UNMEASURED = Counter("unfinished_unmeasured_total", "Times that the age of a state could not be read", ["state"])
log = structlog.get_logger()


@dataclass(frozen=True)
class Unfinished:
    """`state` is `<table>.<state>`; `since` selects the moment from which the oldest one's age counts, or null: every 15
    seconds, so from few rows or by an index. `moment` makes one of what it selects, where that is none. `gauge`: one of
    its own that also tells the age, for an alert of its own."""

    state: str
    since: Select[Any]
    limit: timedelta
    gauge: Gauge | None = None
    moment: Callable[[Any], datetime] | None = None


class Ages:
    def __init__(self, db: Database, clock: Clock, states: Sequence[Unfinished]) -> None:
        self._db, self._clock, self._states = db, clock, states
        self._unmeasured: set[str] = set()
        self._all = select(*(each.since.scalar_subquery() for each in states))
        for each in states:
            LIMIT.labels(each.state).set(each.limit.total_seconds())
            UNMEASURED.labels(each.state)

    async def measure(self) -> None:
        """0 where nothing is in the state, or not yet due; NaN where it cannot be read, which stops no other."""
        together = await self._together()
        for place, each in enumerate(self._states):
            try:
                age = self._age(each, together[place] if together is not None else await self._alone(each))
                self._unmeasured.discard(each.state)
            except Exception as error:  # noqa: BLE001 - a slow query of one state must not hide the others
                age = math.nan
                UNMEASURED.labels(each.state).inc()
                if each.state not in self._unmeasured:  # once, not every 15 seconds
                    log.warning("an age is unknown", state=each.state, reason=error_text(error))
                self._unmeasured.add(each.state)
            OLDEST.labels(each.state).set(age)
            if each.gauge is not None:
                each.gauge.set(age)

    async def _together(self) -> Sequence[Any] | None:
        """What `since` of each selects, by one statement; None when one of them fails: each alone shows which."""
        if not self._states:
            return []
        try:
            async with self._db.read() as session:
                return (await session.execute(self._all)).one()
        except Exception:  # noqa: BLE001 - reported where it is read alone
            return None

    async def _alone(self, each: Unfinished) -> Any:
        async with self._db.read() as session:
            return await session.scalar(each.since)

    def _age(self, each: Unfinished, since: Any) -> float:
        if since is None:
            return 0.0
        begun = each.moment(since) if each.moment is not None else since
        return max(0.0, (self._clock() - begun).total_seconds())
