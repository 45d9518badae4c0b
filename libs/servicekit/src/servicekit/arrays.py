"""Transactions for statements on arrays, on asyncpg's own connection: SQLAlchemy's layers cost several times what such a
statement does. For the few hot paths; everything else uses `Database.transaction()`."""

from collections.abc import Sequence
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncSession

REFUSED_VALUES = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    ValueError,
    asyncpg.InvalidCachedStatementError,
)
"""What the server or the driver raises when one value of an array is at fault, or when a migration changed what a prepared
statement returns: nothing is written, and each entry by itself shows which."""
Column = Sequence[object]


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
