"""What all tests share: one PostgreSQL for the session, started only when a test asks for it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cache

import pytest
import structlog
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from servicekit import security_log
from tests.support.postgres import PostgresServer
from tests.support.stack import running_stack
from tests.support.system import System

LONG = ("tests/stateful/test_lifecycle.py",)
"""Files of few tests that take a minute, on a busy machine five. By their number they, and the systems, would come last,
and one process would wait for the other: they begin early."""
OWN = ("tests/integration/test_ended_from_outside.py", "tests/integration/test_traces.py")
"""Start systems of their own."""
SYSTEMS = (
    ("tests/integration/",),
    ("tests/attack/", "tests/e2e/", *OWN),
    ("tests/chaos/", "tests/deploy/mesh/", "tests/observability/"),
)
"""Each of these is run by one process with a system of its own: they mostly wait, one alone would take longer than all
other tests."""
SHARE_A_SYSTEM = ("tests/attack/", "tests/e2e/", "tests/integration/")
NEED_A_SYSTEM = (*SHARE_A_SYSTEM, *SYSTEMS[-1])

LAST = ("tests/integration/test_wire.py",)
"""Look at what the tests before them left: the last of their system."""

LESS_URGENT = 5
"""The niceness of a process that has no system: one that is up costs a tenth of a core until its tests are over."""
RUNNING = pytest.StashKey[ExitStack]()
"""The system that is up; closed, it is down."""

LONG_SECONDS = 1200
"""For a test that is long, or may have to start the system first; every other has the limit in pyproject.toml."""


class SystemsApart(LoadFileScheduling):  # type: ignore[misc]  # a library without types
    """Where several processes share the work (`-n`): a file stays whole, and each of SYSTEMS is one process's."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((f"system of {folders[0]}" for folders in SYSTEMS[::-1] if file.startswith(folders)), file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        for scope in (*(f"system of {folders[0]}" for folders in SYSTEMS), *LONG):
            if scope in self.workqueue:
                self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith((*NEED_A_SYSTEM, *LONG)):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
    items.sort(key=lambda item: (not _shares_a_system(item), item.nodeid.startswith(LAST)))


def _shares_a_system(item: pytest.Item) -> bool:
    return item.nodeid.startswith(SHARE_A_SYSTEM) and not item.nodeid.startswith(OWN)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    if "PYTEST_XDIST_WORKER" in os.environ and not item.nodeid.startswith(NEED_A_SYSTEM):
        _give_way()
    try:
        return (yield)
    finally:
        if nextitem is None or not _shares_a_system(nextitem):
            item.config.stash.get(RUNNING, ExitStack()).close()


@cache
def _give_way() -> None:
    os.nice(LESS_URGENT)


def pytest_configure() -> None:
    """Tracebacks in logs without values, as services have them: structlog's default spends ten seconds on one."""
    processors = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors[:-1], plain])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return SystemsApart(config, log)


@pytest.fixture(autouse=True)
def _own_pace_of_the_security_log() -> None:
    """It writes 20 lines of a kind in a second: those of the tests before would leave out a test's own."""
    security_log._pace = security_log.Pace()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    """The real system, every part of it; the mapping is its stack.env. What sidecars and apps say to one another is
    recorded (tests/integration/test_wire.py). It goes down when this process turns to other tests."""
    with ExitStack() as running:
        request.config.stash[RUNNING] = running
        yield running.enter_context(running_stack(RECORD="1"))


@pytest.fixture(scope="session")
def system(stack: Mapping[str, str]) -> Iterator[System]:
    """The same as buyers, merchants and WeChat meet it."""
    running = System(stack)
    yield running
    running.close()
