"""Idempotency keys older than a day are forgotten, every hour."""

import asyncio

import structlog

from servicekit.errors import DatabaseUnavailable
from servicekit.idempotency import Idempotency

log = structlog.get_logger()
EVERY_SECONDS = 3600


class Housekeeping:
    """Safe beside itself on other replicas: deleting twice is deleting once."""

    def __init__(self, idempotency: Idempotency) -> None:
        self._idempotency = idempotency

    async def run(self) -> None:
        while True:
            try:
                await self._idempotency.prune()
            except DatabaseUnavailable as error:
                log.warning("housekeeping must wait", reason=str(error))
            await asyncio.sleep(EVERY_SECONDS)
