"""Databases of services that outlive the app of one test: their connections and compiled statements serve the next one."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from servicekit.db import Database
from servicekit.settings import ProcessSettings


@asynccontextmanager
async def kept_between_tests() -> AsyncIterator[None]:
    """Within it `Database.of`, called on this event loop, returns one that an app with the same settings has closed, if
    there is any; two apps at once never share one. A new engine, its first connections and their caches cost 30 ms a test.
    """
    loop = asyncio.get_running_loop()
    idle: defaultdict[tuple[Any, ...], list[Database]] = defaultdict(list)

    class KeptDatabase(Database):
        async def close(self) -> None:
            self.on_outbox.clear()
            if self.engine.pool.checkedout():  # type: ignore[attr-defined]  # a QueuePool
                await super().close()
            else:
                idle[key_of[self]].append(self)

    key_of: dict[Database, tuple[Any, ...]] = {}
    made = Database.of

    def of(settings: ProcessSettings) -> Database:
        try:
            if asyncio.get_running_loop() is not loop:
                return made(settings)
        except RuntimeError:
            return made(settings)
        limits = (
            settings.database_pool_size,
            settings.database_pool_timeout_seconds,
            settings.database_connect_seconds,
        )
        key = (str(settings.database_url), *limits)
        if idle[key]:
            return idle[key].pop()
        kept = KeptDatabase(
            settings.database_url,
            pool_size=settings.database_pool_size,
            pool_timeout=settings.database_pool_timeout_seconds,
            connect_seconds=settings.database_connect_seconds,
        )
        key_of[kept] = key
        return kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "of", of)
        yield
    for each in idle.values():
        for database in each:
            await Database.close(database)
