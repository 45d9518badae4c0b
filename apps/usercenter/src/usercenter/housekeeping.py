"""What time has made useless is forgotten every hour: old failures of sign-in, old idempotency keys."""

import asyncio
from datetime import timedelta

import structlog

from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable
from servicekit.idempotency import Idempotency
from usercenter import repository

log = structlog.get_logger()
EVERY_SECONDS = 3600


class Housekeeping:
    """Safe beside itself on other replicas: deleting twice is deleting once."""

    def __init__(self, db: Database, clock: Clock, *, window_seconds: int) -> None:
        self._db, self._clock, self._window = db, clock, timedelta(seconds=window_seconds)

    async def run(self) -> None:
        while True:
            try:
                await self.tidy()
            except DatabaseUnavailable as error:
                log.warning("housekeeping must wait", reason=str(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def tidy(self) -> None:
        async with self._db.transaction() as tx:
            await repository.forget_failures_before(tx, self._clock() - self._window)
        await Idempotency(self._db, self._clock).prune()
