"""What all tests share: one PostgreSQL for the session, started only when a test asks for it."""

from collections.abc import Iterator, Mapping

import pytest

from tests.support.postgres import PostgresServer
from tests.support.stack import running_stack
from tests.support.system import System


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
    """The real system, every part of it; the mapping is its stack.env."""
    with running_stack() as environment:
        yield environment


@pytest.fixture(scope="session")
def system(stack: Mapping[str, str]) -> Iterator[System]:
    """The same as buyers, merchants and WeChat meet it."""
    running = System(stack)
    yield running
    running.close()
