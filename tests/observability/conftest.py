"""The real system beside a real Jaeger and a real Prometheus, as `make up OBS=1` starts it: `make obs-test`."""

import os
from collections.abc import Iterator, Mapping

import pytest

from minsu.traces import Jaeger
from tests.support.prometheus import Prometheus
from tests.support.stack import running_stack
from tests.support.system import System

collect_ignore_glob = [] if os.environ.get("MINSU_OBS_TEST") else ["test_*.py"]


@pytest.fixture(scope="session")
def observed() -> Iterator[Mapping[str, str]]:
    """stack.env."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OBS", "1")
        with running_stack() as environment:
            yield environment


@pytest.fixture(scope="session")
def system(observed: Mapping[str, str]) -> Iterator[System]:
    running = System(observed)
    yield running
    running.close()


@pytest.fixture(scope="session")
def jaeger(observed: Mapping[str, str]) -> Jaeger:
    return Jaeger(observed["JAEGER_URL"])


@pytest.fixture(scope="session")
def prometheus(observed: Mapping[str, str]) -> Iterator[Prometheus]:
    client = Prometheus(observed["PROMETHEUS_URL"])
    yield client
    client.close()
