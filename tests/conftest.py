"""What all tests share: one PostgreSQL for the session, started only when a test asks for it."""

from collections.abc import Iterator, Mapping

import pytest
import structlog
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from tests.support.postgres import PostgresServer
from tests.support.stack import running_stack
from tests.support.system import System

LONG = ("tests/stateful/test_lifecycle.py",)
"""Files of few tests that take a minute, on a busy machine five. By their number they, and the systems, would come last,
and one process would wait for the other: they begin early."""
SYSTEMS = (
    ("tests/integration/",),
    ("tests/attack/", "tests/e2e/"),
    ("tests/chaos/", "tests/deploy/mesh/", "tests/observability/"),
)
"""Each of these is run by one process with a system of its own: they mostly wait, one alone would take longer than all
other tests."""
NEED_THE_SYSTEM = tuple(folder for folders in SYSTEMS for folder in folders)

LAST = ("tests/integration/test_wire.py",)
"""Look at what the tests before them left: the last of their system."""

LONG_SECONDS = 1200
"""For a test that is long, or may have to start the system first; every other has the limit in pyproject.toml."""


class SystemsApart(LoadFileScheduling):  # type: ignore[misc]  # a library without types
    """Where several processes share the work (`-n`): a file stays whole, and two processes have a system running."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((f"system of {folders[0]}" for folders in SYSTEMS if file.startswith(folders)), file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        for scope in (*(f"system of {folders[0]}" for folders in SYSTEMS), *LONG):
            if scope in self.workqueue:
                self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith((*NEED_THE_SYSTEM, *LONG)):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
    items.sort(key=lambda item: item.nodeid.startswith(LAST))


def pytest_configure() -> None:
    """Tracebacks in logs without values, as services have them: structlog's default spends ten seconds on one."""
    processors = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors[:-1], plain])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return SystemsApart(config, log)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def stack() -> Iterator[Mapping[str, str]]:
    """The real system, every part of it; the mapping is its stack.env. What sidecars and apps say to one another is
    recorded (tests/integration/test_wire.py)."""
    with running_stack(RECORD="1") as environment:
        yield environment


@pytest.fixture(scope="session")
def system(stack: Mapping[str, str]) -> Iterator[System]:
    """The same as buyers, merchants and WeChat meet it."""
    running = System(stack)
    yield running
    running.close()
