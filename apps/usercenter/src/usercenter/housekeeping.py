"""Deletes expired rows every hour: failed sign-ins, verification codes, sessions."""

from dataclasses import dataclass
from datetime import timedelta

from servicekit.clock import Clock
from servicekit.db import Database
from usercenter import repository, session_repository
from usercenter.codes import DAY, HOUR


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
            await repository.delete_codes_before(tx, expired=now, sent=now - DAY)
            await session_repository.delete_over(tx, ended=now - DAY, unused=now - self.session_idle)
