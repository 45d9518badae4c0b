"""Operators' use-cases on deliveries: list, replay and discard dead letters, inspect the outbox.

A replay may be repeated safely: the handler's inbox decides whether there is anything left to do.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, func, select, update

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.deadletters import DeadLetters, dead_letter
from servicekit.due import RELEASED
from servicekit.errors import Conflict, NotFound
from servicekit.outbox import outbox
from servicekit.paging import newest_first

REPLAY_SECONDS = 5.0
"""How long an operator's request retries letters; cron retries the rest."""
MOST_AT_ONCE = 5000
SHOWN_EVENTS = 20


class LetterState(StrEnum):
    WAITING = "waiting"
    APPLIED = "applied"
    POISON = "poison"
    DISCARDED = "discarded"


STUCK = (LetterState.WAITING, LetterState.POISON)


class DeadLetterNotFound(NotFound):
    code, slug = 100113, "dead-letter-not-found"


class DeadLetterEnded(Conflict):
    code, slug = 100114, "dead-letter-ended"


class Operations:
    """Of one service, on its own tables."""

    def __init__(self, *, db: Database, clock: Clock, letters: DeadLetters) -> None:
        self._db, self._clock, self._letters = db, clock, letters

    async def page(
        self, *, last_id: int, limit: int, state: LetterState | None, number: str | None = None
    ) -> Sequence[RowMapping]:
        """Newest first. `number`: those whose text holds it, readable or not. Without an index: it reads every letter that
        is kept, which are few."""
        query = newest_first(select(dead_letter), dead_letter.c.id, below=last_id, limit=limit)
        if state:
            query = query.where(dead_letter.c.state == state)
        if number:
            query = query.where(func.strpos(dead_letter.c.body, number) > 0)
        async with self._db.read() as session:
            return (await session.execute(query)).mappings().all()

    async def letter(self, letter_id: int) -> tuple[RowMapping, Sequence[RowMapping]]:
        """The letter and the operators' actions on it. Raises DeadLetterNotFound."""
        async with self._db.read() as session:
            found = await _letter(session, letter_id)
            return found, await acts.of_subjects(session, [_subject(letter_id)])

    async def replay(self, operator_id: int, letter_id: int, note: str) -> RowMapping:
        """Try one letter now. An applied one stays as it is. Raises DeadLetterNotFound, DeadLetterEnded (discarded)."""
        now = self._clock()
        async with self._db.transaction() as tx:
            letter = await _letter(tx, letter_id, lock=True)
            if letter["state"] == LetterState.DISCARDED:
                raise DeadLetterEnded(f"letter {letter_id} was discarded: {letter['note']}")
            if letter["state"] == LetterState.APPLIED:
                return letter
            await acts.record(tx, now, operator_id, "replay", _subject(letter_id), note=note)
            await tx.execute(_due(now).where(dead_letter.c.id == letter_id))
        await self._letters.reapply(only=letter_id)
        async with self._db.read() as session:
            return await _letter(session, letter_id)

    async def replay_all(self, operator_id: int, note: str) -> tuple[int, dict[str, int]]:
        """Make every letter that is stuck due (the oldest 5000), and try them for a few seconds; cron tries the rest.

        Returns the number made due, and the number of those tried by resulting state.
        """
        now = self._clock()
        counts = {"applied": 0, "waiting": 0, "poison": 0}
        async with self._db.transaction() as tx:
            stuck = dead_letter.c.state.in_(STUCK)
            some = select(dead_letter.c.id).where(stuck).order_by(dead_letter.c.id).limit(MOST_AT_ONCE)
            due = _due(now).where(dead_letter.c.id.in_(some)).returning(dead_letter.c.id)
            ids = (await tx.scalars(due)).all()
            await acts.record(tx, now, operator_id, "replay", *map(_subject, sorted(ids)), note=note)
        ends = time.monotonic() + REPLAY_SECONDS
        while time.monotonic() < ends:
            tried = await self._letters.reapply(limit=1)
            if not any(tried.values()):
                break
            counts = {state: counts[state] + tried[state] for state in counts}
        return len(ids), counts

    async def discard(self, operator_id: int, letter_id: int, note: str) -> RowMapping:
        """Discard a letter, with the reason. Raises DeadLetterNotFound, DeadLetterEnded (applied, discarded before)."""
        now = self._clock()
        async with self._db.transaction() as tx:
            letter = await _letter(tx, letter_id, lock=True)
            if letter["state"] not in STUCK:
                raise DeadLetterEnded(f"letter {letter_id} is {letter['state']}")
            await tx.execute(
                update(dead_letter)
                .where(dead_letter.c.id == letter_id)
                .values(state=LetterState.DISCARDED.value, note=note, ended_at=now, **RELEASED)
            )
            await acts.record(tx, now, operator_id, "discard", _subject(letter_id), note=note)
            return await _letter(tx, letter_id)

    async def outbox(self) -> dict[str, Any]:
        """Size and age of the outbox, the number of failing events, and the oldest ones."""
        waiting = outbox.c.published_at.is_(None)
        age = func.extract("epoch", func.now() - func.min(outbox.c.created_at))
        failing = func.count().filter(outbox.c.attempts > 0)
        async with self._db.read() as session:
            lag, seconds, tried = (await session.execute(select(func.count(), age, failing).where(waiting))).one()
            last = await session.scalar(select(func.max(outbox.c.published_at)))
            query = select(outbox).where(waiting).order_by(outbox.c.id).limit(SHOWN_EVENTS)
            oldest = (await session.execute(query)).mappings().all()
        return {
            "waiting": lag,
            "oldest_seconds": round(float(seconds or 0), 1),
            "failing": tried,
            "last_published_at": last,
            "oldest": [dict(row) | {"type": row["event"].get("type", "")} for row in oldest],
        }


def _subject(letter_id: int) -> str:
    return f"dead-letter:{letter_id}"


def _due(now: datetime) -> Any:
    """At once, even while a try is under way: an operator need not wait for its lease to end."""
    return update(dead_letter).values(state=LetterState.WAITING.value, due_at=now, ended_at=None, **RELEASED)


async def _letter(session: Transaction, letter_id: int, *, lock: bool = False) -> RowMapping:
    query = select(dead_letter).where(dead_letter.c.id == letter_id)
    found = (await session.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if found is None:
        raise DeadLetterNotFound(f"letter {letter_id}")
    return found
