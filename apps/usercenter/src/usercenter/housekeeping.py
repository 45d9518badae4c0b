"""Deletes expired rows every hour: failed sign-ins, verification codes, sessions. Each kind in transactions of its own, and
what one account can make many of in slices, so that no statement runs into its time limit."""

from dataclasses import dataclass
from datetime import timedelta

from servicekit.clock import Clock
from servicekit.db import Database
from usercenter import repository, session_repository
from usercenter.codes import DAY, HOUR

SLICE = 5000
"""Rows that one transaction deletes."""


@dataclass(kw_only=True, eq=False)
class Housekeeping:
    """Safe on several replicas at once."""

    db: Database
    clock: Clock
    window: timedelta
    session_idle: timedelta

    async def delete_expired(self) -> None:
        now = self.clock()
        async with self.db.transaction() as tx:
            await repository.delete_failures_before(tx, now - max(self.window, HOUR))
        async with self.db.transaction() as tx:
            await repository.delete_codes_before(tx, expired=now, sent=now - DAY)
        for delete in (session_repository.delete_tokens_of_over, session_repository.delete_over):
            more = True
            while more:
                async with self.db.transaction() as tx:
                    more = await delete(tx, ended=now - DAY, unused=now - self.session_idle, most=SLICE)
