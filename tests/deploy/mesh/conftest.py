"""The real system with identities and two replicas of order: what `make up MTLS=1 REPLICAS="order=2"` starts."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.stack import REPO, UNPAID, running_stack
from tests.support.system import System
from tests.support.waiting import eventually

QUESTION = ("/travel/v1/homestay/homestayDetail", {"id": 1})
# At debug level the sidecar that refuses a call says whom it has refused.
# Nothing is kept: every question is to reach travel.
MESH = {
    "MTLS": "1",
    "REPLICAS": "order=2",
    "DAPRD_LOG_LEVEL": "debug",
    "GATEWAY_CATALOGUE_CACHE_SECONDS": "0",
}


@pytest.fixture(scope="session")
def mesh() -> Iterator[Mapping[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in MESH.items():
            patch.setenv(name, value)
        with running_stack() as environment:
            yield environment


@pytest.fixture
def system(mesh: Mapping[str, str]) -> Iterator[System]:
    """A sidecar whose peer was down waits before it dials again, a little longer each time (gRPC's back-off): each replica
    of order has to reach travel before a test books."""
    running = System(mesh)
    eventually(lambda: running.post(*QUESTION).is_success, seconds=60, what="the gateway reaches travel")
    eventually(lambda: _books(running, times=6), seconds=60, what="every replica of order reaches travel")
    yield running
    running.close()


def _books(system: System, *, times: int) -> bool:
    try:
        return all(system.book() for _ in range(times))
    except AssertionError:
        return False


@pytest.fixture
def restored(mesh: Mapping[str, str]) -> Iterator[None]:
    """For a test that stops something: afterwards the system is whole again."""
    yield
    offset = urlsplit(mesh["GATEWAY_URL"]).port - 8000  # type: ignore[operator]  # stack.env's URLs name their port
    told = UNPAID | MESH | {"MINSU_RUN_DIR": mesh["RUN_DIR"], "PORT_OFFSET": str(offset)}
    argv = [sys.executable, "-m", "stack", "up"]
    done = subprocess.run(argv, cwd=REPO, env=os.environ | told, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture
def log(mesh: Mapping[str, str]) -> Path:
    return Path(mesh["RUN_DIR"]) / "logs"
