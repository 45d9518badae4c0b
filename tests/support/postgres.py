"""A PostgreSQL of the tests' own: the server that the stack runs, without passwords and durable writes, gone at the end."""

import shutil
import tempfile
import time
from pathlib import Path

import psycopg

from servicekit import migrate
from stack import leftovers, pgserver
from stack.processes import Processes
from tests.support.ports import free_port

OWNER, ROLE = "postgres", "service"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def as_owner(url: str) -> str:
    """The same database for a test itself, which prepares what no service may write: as a superuser."""
    return url.replace(f"//{ROLE}@", f"//{OWNER}@")


class PostgresServer:
    """`start()`, `create(name)` or `migrated(package, name)` → URL of a new database, `stop()`. Nothing durable.

    A migrated database is given to the role that a service works as: what it may do there is all that a test's app can do.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=leftovers.session_folder() or leftovers.PLACE))
        self._folder.chmod(0o755)  # for PostgreSQL's own user
        self._processes = Processes(self._folder)
        self.port = free_port()
        self._migrated: set[str] = set()

    def start(self) -> None:
        server = pgserver.PostgresServer(home=self._folder, port=self.port, superuser=OWNER, settings=FAST)
        self._processes.start(server.program())
        deadline = time.monotonic() + 30
        while reason := server.why_not_ready():
            self._processes.must_live("postgres")
            assert time.monotonic() < deadline, reason
            time.sleep(0.05)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create role {ROLE} login".encode())

    def url(self, database: str, user: str = OWNER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, *, template: str = "template1") -> str:
        """The URL of a new database. `template` must have no connections."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'create database "{database}" template "{template}"'.encode())
        return self.url(database)

    def migrated(self, package: str, database: str) -> str:
        """The URL, as the service's role, of a new database with the tables of `package`: migrated once and then copied."""
        template = f"template_{package}"
        if package not in self._migrated:
            migrate.upgrade(package, self.create(template), ROLE)
            self._migrated.add(package)
        return self.copy(template, database)

    def copy(self, template: str, database: str) -> str:
        """The URL, as the service's role, of a new database made of one that was migrated."""
        self.create(database, template=template)
        return self.url(database, ROLE)

    def stop(self) -> None:
        self._processes.stop(self._processes.recorded())
        shutil.rmtree(self._folder, ignore_errors=True)
