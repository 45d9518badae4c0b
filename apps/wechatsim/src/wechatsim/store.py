"""The database: one SQLite connection (a file, or memory), plain SQL, short transactions.

WAL with synchronous=NORMAL: a commit survives kill -9 of this process without an fsync per request.
Everything runs on the event loop's thread and nothing awaits inside a transaction, so none interleave.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

Row = sqlite3.Row


class Store:
    """`one` and `all` read, `run` and `insert` write, `transaction` groups writes."""

    def __init__(self, path: str) -> None:
        if path != ":memory:":  # mobiles and codes are in it; SQLite gives its other files the same mode
            Path(path).touch(mode=0o600)
            Path(path).chmod(0o600)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA busy_timeout=5000")
        self._db.executescript(files("wechatsim").joinpath("schema.sql").read_text())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes or none; a nested transaction joins the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def one(self, sql: str, *values: Any) -> Row | None:
        row: Row | None = self._db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Any) -> list[Row]:
        return self._db.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        """Execute a write; returns the number of changed rows."""
        return self._db.execute(sql, values).rowcount

    def insert(self, table: str, **values: Any) -> None:
        """Insert one row. Table and column names come from this package, never from a request."""
        columns = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        self._db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 - names are ours

    def setting(self, name: str, default: Any = None) -> Any:
        """A stored JSON value."""
        row = self.one("SELECT value FROM setting WHERE name = ?", name)
        return default if row is None else json.loads(row["value"])

    def remember(self, name: str, value: Any) -> None:
        self.run("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", name, json.dumps(value))

    def close(self) -> None:
        self._db.close()
