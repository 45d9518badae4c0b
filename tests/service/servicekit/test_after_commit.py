"""What is to be done after a commit is done once, and never after a rollback."""

import pytest
from sqlalchemy import text

from servicekit.db import Database, after_commit


async def test_it_is_done_once_and_only_after_the_commit(db: Database) -> None:
    done: list[str] = []
    async with db.transaction() as tx:
        after_commit(tx, lambda: done.append("first"))
        after_commit(tx, lambda: done.append("second"))
        await tx.execute(text("select 1"))
        assert done == []
    assert done == ["first", "second"]
    async with db.transaction() as tx:
        await tx.execute(text("select 1"))
    assert done == ["first", "second"]


async def test_it_is_not_done_after_a_rollback(db: Database) -> None:
    done: list[str] = []
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            after_commit(tx, lambda: done.append("x"))
            raise ZeroDivisionError
    assert done == []
