"""Transactions for statements on arrays, on asyncpg's own connection: SQLAlchemy's layers cost several times what such a
statement does. For the few hot paths; everything else uses `Database.transaction()`."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import ARRAY, ColumnElement, any_, literal
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

REFUSED_VALUES = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    ValueError,
    asyncpg.InvalidCachedStatementError,
)
"""What the server or the driver raises when one value of an array is at fault, or when a migration changed what a prepared
statement returns: nothing is written, and each entry by itself shows which."""
Column = Sequence[object]


def any_of(values: Collection[object], kind: type[TypeEngine[Any]]) -> ColumnElement[Any]:
    """`column == any_of(numbers, Text)`: one array as parameter, so the statement is the same for any number of values."""
    return any_(literal(list(values), ARRAY(kind)))


def columns(rows: Iterable[tuple[object, ...]]) -> list[Column]:
    """The rows, of which there is at least one, as an array for each column."""
    return list(zip(*rows, strict=True))


class ArrayTransaction:
    """One transaction of `Database.arrays()`: its user neither commits nor rolls back. Parameters are `$1`, `$2`, …; errors
    are asyncpg's own."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.info: dict[str, object] = {}

    async def fetch(self, statement: str, *parameters: Column | object) -> list[Any]:
        """The rows of a statement, which asyncpg prepares once for each connection."""
        rows: list[Any] = await self._raw.fetch(statement, *parameters)
        return rows

    async def execute(self, statement: str, *parameters: Column | object) -> None:
        await self._raw.execute(statement, *parameters)


async def fetch(tx: AsyncSession | ArrayTransaction, statement: str, *parameters: Column | object) -> Sequence[Any]:
    """The rows of a statement with `$1`, `$2`, … in either kind of transaction; none where it returns no rows."""
    if isinstance(tx, ArrayTransaction):
        return await tx.fetch(statement, *parameters)
    done = await (await tx.connection()).exec_driver_sql(statement, parameters)
    return done.all() if done.returns_rows else ()
