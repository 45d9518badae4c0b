"""What operators see of one service as it runs: the replica that responds, its sidecar and database, the other replicas.

Each part is asked by itself and bounded in time; what does not respond is told, and hides nothing of the rest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select

from servicekit.activity import (
    Activity,
    Publication,
    Reception,
    Tick,
    newest_publication,
    newest_reception,
    newest_tick,
)
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.deadletters import dead_letter
from servicekit.errors import Unavailable
from servicekit.replicas import Replica, Replicas
from servicekit.sidecar import Sidecar, SidecarMetadata

PATIENCE_SECONDS = 2.0
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`replicas` is None where there is no database, or it does not respond; `ticks`, `received` and `published` are then
    those of this process, and else of all replicas. `dead_letters`: the number by state of those that are not done with.
    A `…_problem` says why a part is missing."""

    at: datetime
    own: Activity
    topics: frozenset[str]
    jobs: frozenset[str]
    sidecar: SidecarMetadata | None
    sidecar_problem: str | None
    ticks: Mapping[str, Tick]
    received: Mapping[str, Reception]
    published: Mapping[str, Publication]
    replicas: Sequence[Replica] | None
    dead_letters: Mapping[str, int] | None
    database_problem: str | None


@dataclass(kw_only=True, eq=False)
class System:
    """`topics` and `jobs` (names of cron bindings) are what the sidecar should bring to the service."""

    clock: Clock
    own: Activity
    sidecar: Sidecar
    topics: frozenset[str]
    jobs: frozenset[str]
    db: Database | None
    replicas: Replicas | None
    has_dead_letters: bool

    async def snapshot(self) -> Snapshot:
        (sidecar, sidecar_problem), (kept, database_problem) = await asyncio.gather(
            _bounded(self.sidecar.metadata()), _bounded(self._kept())
        )
        replicas, letters = kept or (None, None)
        own, others = self.own, replicas or ()
        return Snapshot(
            at=self.clock(),
            own=own,
            topics=self.topics,
            jobs=self.jobs,
            sidecar=sidecar,
            sidecar_problem=sidecar_problem,
            ticks=_merged(newest_tick, own.ticks, *(each.ticks for each in others)),
            received=_merged(newest_reception, own.received, *(each.received for each in others)),
            published=_merged(newest_publication, own.published, *(each.published for each in others)),
            replicas=replicas,
            dead_letters=letters,
            database_problem=database_problem,
        )

    async def _kept(self) -> tuple[Sequence[Replica] | None, Mapping[str, int] | None]:
        """Of the database, the own row written anew: what is read is never older than the request."""
        if self.db is None or self.replicas is None:
            return None, None
        await self.replicas.write()
        letters = await _stuck(self.db) if self.has_dead_letters else None
        return await self.replicas.all(), letters


async def _stuck(db: Database) -> dict[str, int]:
    counts = select(dead_letter.c.state, func.count()).where(dead_letter.c.state.in_(["waiting", "poison"]))
    async with db.read() as session:
        found = (await session.execute(counts.group_by(dead_letter.c.state))).tuples().all()
    return {"waiting": 0, "poison": 0} | dict(found)


def _merged(newest: Callable[[T, T], T], *of_replicas: Mapping[str, T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for each in of_replicas:
        for name, last in each.items():
            found[name] = newest(found[name], last) if name in found else last
    return found


async def _bounded(part: Awaitable[T]) -> tuple[T | None, str | None]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await part, None
    except TimeoutError:
        return None, f"no response in {PATIENCE_SECONDS:g} s"
    except Unavailable as error:
        return None, str(error)
