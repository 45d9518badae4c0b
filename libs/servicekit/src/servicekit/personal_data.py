"""Personal data of one service: what it holds of a person, told to them and taken out when they go, and what is forgotten
by its age. Amounts, numbers and dates stay: the books do not change.

Which column of which table is personal: docs/personal-data.md.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import BigInteger, DateTime, Integer, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text, TypeEngine

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction

log = structlog.get_logger()
MOST_ROWS = 1000
"""Of one table in an export: the newest."""
SLICE = 500
"""Rows that one transaction forgets: it holds their locks for milliseconds."""
MOST_SLICES = 200
"""Slices of one kind in one run; the next day's goes on."""
FORGOTTEN = Counter(
    "personal_data_forgotten_total", "Rows whose personal part was removed because of its age", ["what"]
)


@dataclass(frozen=True)
class Person:
    """Of whom. `order_sns`: their orders' numbers, for tables that know people by their orders alone. `before_sn`: of the
    orders themselves, where they are more than one page, those older than this one."""

    user_id: int
    order_sns: Sequence[str] = ()
    before_sn: str = ""


@dataclass(frozen=True)
class Holding:
    """What is held of a person under the name `what`: a statement that reads it (at most `:most` rows), and one that
    removes what is personal of it; None where nothing of it is, or where it must stay. Parameters: `:user_id`,
    `:order_sns`, `:before_sn`, `:most`. Erasing again changes nothing and counts nothing."""

    what: str
    read: str
    erase: str | None = None


def first_responses(*paths: str) -> Holding:
    """The first responses to the user's requests with an Idempotency-Key, of the `paths` that take one. By whole scopes,
    which the primary key finds: no index knows how a scope begins, and the table has every creating request of a day."""
    scopes = ", ".join(f":user_id || ':{path}'" for path in paths)
    of_user = f"scope in ({scopes})"
    return Holding(
        "requests",
        f"select scope, key, claimed_at from idempotency_key where {of_user} order by claimed_at desc limit :most",  # noqa: S608 - constants
        f"delete from idempotency_key where {of_user}",  # noqa: S608 - constants
    )


@dataclass(frozen=True)
class Retention:
    """What is forgotten `keep` after it ended. The statement changes at most `:most` rows that ended before `:before`,
    skips rows that are locked, and returns one row for each."""

    what: str
    keep: timedelta
    forget: str


@dataclass(frozen=True)
class Erased:
    """Rows by holding that lost their personal part; or nothing, because of `open_orders`."""

    rows: Mapping[str, int] = field(default_factory=dict)
    open_orders: Sequence[str] = ()


@dataclass(kw_only=True, eq=False)
class PersonalData:
    """Of one service, on its own tables. `open_orders`: the numbers of a user's orders that are not over, for which nothing
    may be erased; they cannot change until the transaction ends."""

    db: Database
    clock: Clock
    holdings: Sequence[Holding]
    retentions: Sequence[Retention]
    open_orders: Callable[[Transaction, int], Awaitable[Sequence[str]]] | None = None

    def __post_init__(self) -> None:
        for each in self.retentions:
            FORGOTTEN.labels(each.what)

    async def export(self, person: Person) -> dict[str, list[dict[str, Any]]]:
        """Rows by holding, newest first, at most MOST_ROWS of each."""
        found = {}
        async with self.db.read() as session:
            for each in self.holdings:
                rows = await session.execute(_of_person(each.read), _parameters(person))
                found[each.what] = [dict(row) for row in rows.mappings()]
        return found

    async def erase(self, operator_id: int, person: Person, note: str) -> Erased:
        """Recorded in the audit. Idempotent."""
        async with self.db.transaction() as tx:
            if self.open_orders and (still_open := await self.open_orders(tx, person.user_id)):
                return Erased(open_orders=still_open)
            return Erased(await self.erase_within(tx, operator_id, person, note))

    async def erase_within(self, tx: Transaction, operator_id: int, person: Person, note: str) -> dict[str, int]:
        """Erase in a transaction that does more. Returns rows by holding."""
        counts = {}
        for each in self.holdings:
            if each.erase is not None:
                result: Any = await tx.execute(_of_person(each.erase), _parameters(person))
                counts[each.what] = int(result.rowcount)
        erased = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing was left"
        await acts.record(
            tx, self.clock(), operator_id, "personal-data-erase", f"user:{person.user_id}", note=f"{note} ({erased})"
        )
        return counts

    async def forget(self) -> int:
        """One run of the daily job: forget what is older than its time, in slices. Returns how many rows."""
        total = 0
        for each in self.retentions:
            forgotten = await self._forget(each)
            total += forgotten
            if forgotten:
                log.info("personal data is forgotten by its age", what=each.what, rows=forgotten)
        return total

    async def _forget(self, retention: Retention) -> int:
        before, count = self.clock() - retention.keep, 0
        for _ in range(MOST_SLICES):
            async with self.db.transaction() as tx:
                some = len((await tx.execute(_by_age(retention.forget), {"before": before, "most": SLICE})).all())
            FORGOTTEN.labels(retention.what).inc(some)
            count += some
            if some < SLICE:
                break
        return count


def _parameters(person: Person) -> Mapping[str, object]:
    return {
        "user_id": person.user_id,
        "order_sns": [*person.order_sns],
        "before_sn": person.before_sn,
        "most": MOST_ROWS,
    }


def _of_person(statement: str) -> TextClause:
    """With the parameters that it has."""
    types: dict[str, TypeEngine[Any]] = {
        "user_id": BigInteger(),
        "order_sns": ARRAY(Text()),
        "before_sn": Text(),
        "most": Integer(),
    }
    clause = text(statement)
    return clause.bindparams(*(bindparam(name, type_=kind) for name, kind in types.items() if f":{name}" in statement))


def _by_age(statement: str) -> TextClause:
    return text(statement).bindparams(
        bindparam("before", type_=DateTime(timezone=True)), bindparam("most", type_=Integer())
    )
