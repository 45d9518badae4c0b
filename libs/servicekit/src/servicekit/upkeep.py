"""What time has made useless is forgotten, every hour: old keys, old events, whatever else a service names."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from servicekit import inbox
from servicekit.db import Database
from servicekit.stopping import stop_if_asked

log = structlog.get_logger()
EVERY_SECONDS = 3600.0
SLICE = 5000
"""Rows that one transaction deletes: many small ones hold no lock for long, and the database's time-outs never hit."""

Chore = Callable[[], Awaitable[Any]]


class Upkeep:
    """`background=[Upkeep(keys.prune, old_events(db, 30))]`. Chores must be safe beside themselves on other replicas."""

    def __init__(self, *chores: Chore, every_seconds: float = EVERY_SECONDS) -> None:
        self._chores, self._every = chores, every_seconds

    async def run(self) -> None:
        while True:
            for chore in self._chores:
                try:
                    await chore()
                except Exception as error:  # noqa: BLE001 - one chore's fault keeps neither the others nor the next hour
                    log.warning("upkeep must wait", reason=f"{type(error).__name__}: {error}"[:300])
                stop_if_asked()
            await asyncio.sleep(self._every)


def old_events(db: Database, keep_days: int = 30) -> Chore:
    """Forget the events that no redelivery can bring again."""

    async def forget() -> None:
        while True:
            async with db.transaction() as tx:
                if await inbox.prune(tx, keep_days=keep_days, limit=SLICE) < SLICE:
                    return

    return forget
