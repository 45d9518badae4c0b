"""`Idempotency-Key` on creating POSTs (draft-ietf-httpapi-idempotency-key-header): the same key and request get the
first response again, marked `Idempotent-Replayed: true`; another request under the key, or one still running, is refused.

Only successes are kept. A key left in flight by a crash is free again after its lease, so the use-case below must itself
be safe to repeat (a unique number, a natural key): this layer avoids repeated work, the constraints protect money.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import Column, DateTime, Index, Table, Text, delete, func, literal, select, tuple_, update

from servicekit.arrays import columns
from servicekit.clock import Clock
from servicekit.collector import Collector
from servicekit.db import Database, new_metadata
from servicekit.errors import Conflict, InvalidInput
from servicekit.unfinished import Unfinished

metadata = new_metadata()
A = TypeVar("A", bound=BaseModel)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("answer", Text),
    Column("claimed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("ix_idempotency_key_claimed_at", idempotency_key.c.claimed_at)

# Two statements for every creating request: on arrays, for the requests that come together. Sorted: two replicas that
# get the same keys in another order would else deadlock.
_CLAIM = (
    "insert into idempotency_key (scope, key, fingerprint, claimed_at)"
    " select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as k(scope, key) order by scope, key"
    " on conflict do nothing returning scope, key"
)
_KEEP_ANSWER = (
    "update idempotency_key k set answer = n.answer"
    " from unnest($1::text[], $2::text[], $3::text[]) as n(scope, key, answer) where k.scope = n.scope and k.key = n.key"
)

LONGEST_WAIT_SECONDS = 3.0
"""How long the first request that waits for the next claim may wait."""
LEASE = timedelta(seconds=30)
SLICE = 5000
LONGEST_KEY, KEY = 128, r"^[!-~]+$"


def is_key(text: str) -> bool:
    """Whether it may be an Idempotency-Key."""
    return len(text) <= LONGEST_KEY and re.fullmatch(KEY, text) is not None


class IdempotencyInFlight(Conflict):
    code, slug = 100111, "idempotency-in-flight"


class IdempotencyMismatch(InvalidInput):
    code, slug = 100112, "idempotency-mismatch"


class Idempotency:
    """The store of keys of one service."""

    def __init__(self, db: Database, clock: Clock, *, keep: timedelta) -> None:
        self._db, self._clock, self._keep = db, clock, keep
        self._claims = Collector(
            self._claim_together, name="claim idempotency keys", longest_seconds=LONGEST_WAIT_SECONDS
        )
        self._answers = Collector(self._keep_together, name="keep first responses")
        # A key in flight ends with its lease at its next use, at the latest when it is pruned. So the oldest of all is
        # looked at, which the index has at hand: an old one says that nothing is pruned.
        oldest = select(func.min(idempotency_key.c.claimed_at))
        self.unfinished = Unfinished("idempotency_key.in_flight", oldest, keep + timedelta(days=1))

    async def once(
        self, scope: str, key: str, request: BaseModel, answer: type[A], action: Callable[[], Awaitable[A]]
    ) -> tuple[A, bool]:
        """Run `action`, or return its first result; the flag says that it is a replay. `scope` names user and path."""
        fingerprint = hashlib.sha256(request.model_dump_json(by_alias=True).encode()).hexdigest()
        if kept := await self._claim(scope, key, fingerprint):
            return answer.model_validate_json(kept), True
        try:
            result = await action()
        except BaseException:
            await self._release(scope, key)
            raise
        await self._answers.submit((scope, key, result.model_dump_json(by_alias=True)))
        return result, False

    async def _claim_together(self, claims: Sequence[tuple[str, str, str, datetime]]) -> list[bool]:
        """Whether each is the first under its key."""
        claimed = {(row["scope"], row["key"]) for row in await self._db.run_alone(_CLAIM, *columns(claims))}
        first = []
        for scope, key, _, _ in claims:
            first.append((scope, key) in claimed)
            claimed.discard((scope, key))  # of two requests in one batch one is the first
        return first

    async def _keep_together(self, answers: Sequence[tuple[str, str, str]]) -> list[None]:
        await self._db.run_alone(_KEEP_ANSWER, *columns(answers))
        return [None] * len(answers)

    async def _claim(self, scope: str, key: str, fingerprint: str) -> str | None:
        now = self._clock()
        if await self._claims.submit((scope, key, fingerprint, now)):
            return None
        async with self._db.transaction() as tx:
            row = (
                (
                    await tx.execute(
                        select(idempotency_key)
                        .where(idempotency_key.c.scope == scope, idempotency_key.c.key == key)
                        .with_for_update()
                    )
                )
                .mappings()
                .one_or_none()
            )
            if row is None:  # its first request failed and let it go just now
                raise IdempotencyInFlight("the first request under this key has just ended", retry_after=1)
            if row["fingerprint"] != fingerprint:
                raise IdempotencyMismatch("the key was used with another request", field="Idempotency-Key")
            if row["answer"] is not None:
                return str(row["answer"])
            if now - row["claimed_at"] < LEASE:
                raise IdempotencyInFlight("the first request under this key is still running", retry_after=1)
            await tx.execute(
                update(idempotency_key)
                .where(idempotency_key.c.scope == scope, idempotency_key.c.key == key)
                .values(claimed_at=now)
            )
        return None

    async def _release(self, scope: str, key: str) -> None:
        async with self._db.transaction() as tx:
            await tx.execute(
                delete(idempotency_key).where(
                    idempotency_key.c.scope == scope,
                    idempotency_key.c.key == key,
                    idempotency_key.c.answer.is_(None),
                )
            )

    async def prune(self) -> int:
        """Delete keys older than `keep`, a slice per transaction. Returns the number."""
        old = (
            select(idempotency_key.c.scope, idempotency_key.c.key)
            .where(idempotency_key.c.claimed_at < self._clock() - self._keep)
            .limit(SLICE)
        )
        which = tuple_(idempotency_key.c.scope, idempotency_key.c.key).in_(old)
        gone = 0
        while True:
            async with self._db.transaction() as tx:
                some = len((await tx.execute(delete(idempotency_key).where(which).returning(literal(1)))).all())
            gone += some
            if some < SLICE:
                return gone


class Once:
    """What an endpoint asks for: `await once(user_id, body, Answer, lambda: use_case(…))`."""

    def __init__(self, request: Request, response: Response, key: str | None) -> None:
        self._request, self._response, self._key = request, response, key

    @property
    def key(self) -> str | None:
        """The client's key, for a use-case that keeps it with its row: that makes it safe to repeat after a crash."""
        return self._key

    async def __call__(self, who: int | str, body: BaseModel, answer: type[A], action: Callable[[], Awaitable[A]]) -> A:
        if self._key is None:
            return await action()
        store: Idempotency = self._request.app.state.idempotency
        scope = f"{who}:{self._request.url.path}"
        result, replayed = await store.once(scope, self._key, body, answer, action)
        if replayed:
            self._response.headers["Idempotent-Replayed"] = "true"
        return result


async def _once(
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=LONGEST_KEY, pattern=KEY)] = None,
) -> Once:
    return Once(request, response, idempotency_key)


OnceOnly = Annotated[Once, Depends(_once)]
