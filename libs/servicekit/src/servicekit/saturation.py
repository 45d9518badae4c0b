"""How full a process is: connections of its database pool in use, and how late its event loop is."""

import asyncio

from prometheus_client import Gauge, Histogram
from sqlalchemy.pool import QueuePool

from servicekit.db import Database

CONNECTIONS = Gauge("db_client_connection_count", "Connections of the database pool", ["state"])
MOST = Gauge("db_client_connection_max", "Connections that the database pool may have")
LAG = Histogram(
    "event_loop_lag_seconds",
    "How late a timer of the event loop fires, one each second",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


def watch_pool(db: Database) -> None:
    """The gauges tell of the pool of `db` whenever they are read."""

    def pool() -> QueuePool:
        now = db.engine.sync_engine.pool  # another one after the pool was dropped with a server that left
        assert isinstance(now, QueuePool)  # noqa: S101 - Database makes no other
        return now

    MOST.set_function(lambda: pool().size())
    CONNECTIONS.labels("used").set_function(lambda: pool().checkedout())
    CONNECTIONS.labels("idle").set_function(lambda: pool().checkedin())


class LoopLag:
    """Measures the event loop that runs it, until it is cancelled. `every_seconds`: the pause between two looks."""

    def __init__(self, *, every_seconds: float = 1.0) -> None:
        self._every = every_seconds

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + self._every
            await asyncio.sleep(self._every)
            LAG.observe(max(0.0, clock() - due))
