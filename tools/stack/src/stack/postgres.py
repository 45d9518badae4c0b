"""The PostgreSQL of one stack: scram passwords, and of each service a database, its owner and the role that works in it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from psycopg import sql

from stack.databases import owner_of, role_of
from stack.layout import Layout
from stack.pgserver import PostgresServer, reaches, system_user
from stack.processes import Program
from stack.vault import Vault

SUPERUSER = "minsu"
OUTSIDE = Path("/var/lib/minsu")
SETTINGS = {"password_encryption": "scram-sha-256", "log_line_prefix": "%m [%p] %u@%d "}


class Postgres:
    """The database of one stack. Its place is remembered in the run folder."""

    def __init__(self, layout: Layout, vault: Vault) -> None:
        self._layout, self._vault = layout, vault

    @property
    def home(self) -> Path:
        """Where the data lies: in the run folder, or where the system user can reach it."""
        note = self._layout.run / "state" / "postgres-home"
        if not note.exists():
            inside = self._layout.run / "postgres"
            chosen = inside if reaches(system_user(), self._layout.run) else OUTSIDE / _short_hash(self._layout.run)
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(str(chosen))
        return Path(note.read_text())

    @cached_property
    def server(self) -> PostgresServer:
        return PostgresServer(
            home=self.home,
            port=self._layout.port("postgres"),
            superuser=SUPERUSER,
            password=self._vault.token("postgres-password"),
            settings=SETTINGS,
        )

    def program(self) -> Program:
        return self.server.program()

    def why_not_ready(self) -> str | None:
        return self.server.why_not_ready()

    def create_databases(self, services: Iterable[str]) -> None:
        """A database for each service, the role that owns it and the one that works in it; passwords follow the vault."""
        with self.server.connect() as connection:
            for service in services:
                owner = owner_of(service)
                for name in (owner, role_of(service)):
                    role, password = sql.Identifier(name), sql.Literal(self._vault.token(f"{name}-password"))
                    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
                    verb = sql.SQL("ALTER" if known else "CREATE")
                    connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, password))
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (owner,)).fetchone():
                    database = sql.Identifier(owner)
                    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, database))
                    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(database))

    def erase(self) -> None:
        """Forget all data, wherever it lies."""
        shutil.rmtree(self.home, ignore_errors=True)


def _short_hash(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:12]
