"""Tests on the real parts: daprd, Kafka, PostgreSQL, the sandbox."""

from collections.abc import Iterator, Mapping

import pytest

from tests.support.system import System


@pytest.fixture(scope="session")
def system(stack: Mapping[str, str]) -> Iterator[System]:
    running = System(stack)
    yield running
    running.close()
