"""How many orders were paid in the last hours, and how long it took from WeChat's payment until the order knew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from order import repository
from order.repository import Confirmed
from servicekit.clock import Clock, from_unix
from servicekit.db import Database


@dataclass(kw_only=True, eq=False)
class Statistics:
    db: Database
    clock: Clock

    async def confirmations(self, span: timedelta, step: timedelta) -> tuple[datetime, datetime, Sequence[Confirmed]]:
        """(begin, end, steps with confirmed orders) of the last `span`, a multiple of `step`; begin and end are whole
        steps of UTC, and the step that has not ended is the last one."""
        now, width = int(self.clock().timestamp()), int(step.total_seconds())
        until = from_unix(now - now % width) + step
        since = until - span
        async with self.db.read() as session:
            return since, until, await repository.confirmed(session, since, until, step)
