"""What usercenter forgets every hour: old failures of sign-in, codes that are over."""

from datetime import timedelta

from servicekit.clock import Clock
from servicekit.db import Database
from usercenter import repository
from usercenter.codes import DAY


class Housekeeping:
    """Safe beside itself on other replicas: deleting twice is deleting once."""

    def __init__(self, db: Database, clock: Clock, *, window_seconds: int) -> None:
        self._db, self._clock, self._window = db, clock, timedelta(seconds=window_seconds)

    async def tidy(self) -> None:
        now = self._clock()
        async with self._db.transaction() as tx:
            await repository.forget_failures_before(tx, now - self._window)
            await repository.forget_codes_before(tx, expired=now, sent=now - DAY)
