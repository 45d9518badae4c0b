"""A disk that runs full: the outbox tables on a tablespace of a few hundred kilobytes, and a ballast that fills the rest.

Needs the right to mount (root on Linux); elsewhere `Disk.mount` returns why not, and the fault is left out by name.
"""

import contextlib
import shutil
import subprocess
from pathlib import Path

import psycopg

from tests.chaos.machine import Machine

SIZE = "8m"
SERVICES = ("payment", "order")


class Disk:
    """A tiny file system of PostgreSQL's own user."""

    def __init__(self, place: Path, machine: Machine) -> None:
        self._place, self._machine = place, machine
        self._mounted = False

    def mount(self) -> str:
        """Empty when the outboxes are on the tiny disk now, else the reason why they cannot be."""
        self._place.mkdir(parents=True, exist_ok=True)
        argv = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(self._place)]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
        except OSError as error:
            return str(error)
        if done.returncode:
            return done.stderr.strip()
        self._mounted = True
        data = self._place / "data"
        data.mkdir(mode=0o700)
        status = (self._machine.postgres.home / "data").stat()
        shutil.chown(data, status.st_uid, status.st_gid)
        self._sql("postgres", f"create tablespace tiny location '{data}'", "grant create on tablespace tiny to public")
        self._move("tiny")
        return ""

    def fill(self) -> None:
        """Not a byte is free any more; what is in pages already allocated still goes in."""
        with (self._place / "ballast").open("ab", buffering=0) as ballast:
            for size in (65536, 4096, 512):
                try:
                    while True:
                        ballast.write(b"\0" * size)
                except OSError:
                    continue

    def free(self) -> None:
        (self._place / "ballast").unlink(missing_ok=True)

    def unmount(self) -> None:
        """The outboxes move back, where there is a server to move them."""
        self.free()
        if self._mounted:
            with contextlib.suppress(psycopg.Error):
                self._move("pg_default")
                self._sql("postgres", "drop tablespace tiny")
            subprocess.run(["umount", "-l", str(self._place)], check=False, capture_output=True)
            self._mounted = False
        shutil.rmtree(self._place, ignore_errors=True)

    def _move(self, tablespace: str) -> None:
        for service in SERVICES:
            for what in ("table outbox", "index ix_outbox_unpublished"):
                self._sql(f"minsu_{service}", f"alter {what} set tablespace {tablespace}")

    def _sql(self, database: str, *statements: str) -> None:
        with psycopg.connect(
            f"{self._machine.superuser_url}/{database}", autocommit=True, connect_timeout=5
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())
