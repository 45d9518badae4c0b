"""What all tests share: one PostgreSQL for the session, started only when a test asks for it."""

from collections.abc import Iterator, Mapping

import pytest

from tests.support.postgres import PostgresServer
from tests.support.stack import running_stack


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
