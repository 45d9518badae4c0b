"""The real system for tests: `stack up` in a folder and on ports of the tests' own, taken down at the end.

Kept running between sessions when MINSU_TEST_STACK names a run folder that is up already (`make up`, then
`MINSU_TEST_STACK=.run make test-integration`): quick while writing tests; bring it up with UNPAID then.
"""

import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import stamina

from stack import leftovers, ports
from stack.layout import plan
from tests.support.rooms import make_room
from tests.support.waiting import eventually

REPO = Path(__file__).resolve().parents[2]
UNPAID = {"ORDER_MOST_UNPAID": "1000"}
"""One buyer orders for all tests, and leaves many orders unpaid: more than a buyer of the real system may have."""


@contextmanager
def running_stack(**more: str) -> Iterator[Mapping[str, str]]:
    """Yields stack.env as a mapping, when every part is ready. `more` is the environment of one that is not kept."""
    if kept := os.environ.get("MINSU_TEST_STACK"):
        yield _with_room(read_stack_env(REPO / kept / "stack.env"))
        return
    with own_stack(**more) as environment:
        yield environment


@contextmanager
def own_stack(**more: str) -> Iterator[Mapping[str, str]]:
    """One that nothing else uses: a second one, for tests of two systems or with an environment of their own."""
    folder = Path(tempfile.mkdtemp(prefix="stack-", dir=leftovers.session_folder()))
    folder.chmod(0o755)
    environment = os.environ | UNPAID | more | {"MINSU_RUN_DIR": str(folder)}
    try:
        _up_on_free_ports(environment)
        started = read_stack_env(folder / "stack.env")
        wait_for_sidecars(started)
        yield _with_room(started)
    finally:
        _stack("down", environment)
        shutil.rmtree(folder, ignore_errors=True)


@stamina.retry(on=lambda error: "these ports are taken" in str(error), attempts=5, wait_initial=0.1)
def _up_on_free_ports(environment: dict[str, str]) -> None:
    """Another system that starts at this moment may take the ports that were free when they were chosen."""
    environment["PORT_OFFSET"] = str(free_offset())
    _stack("up", environment)


def wait_for_sidecars(environment: Mapping[str, str]) -> None:
    """Returns when every app can be called through its sidecar. A recorded one takes its app for unhealthy in its first
    seconds, because the recorder listens before the app does."""
    token = read_stack_env(Path(environment["RUN_DIR"]) / "env" / "gateway-daprd.env")["DAPR_API_TOKEN"]
    address = f"http://127.0.0.1:{environment['GATEWAY_DAPR_HTTP_PORT']}/v1.0/invoke"
    with httpx.Client(timeout=10, headers={"dapr-api-token": token}) as http:
        for app in sorted(set(plan({}).services) - {"gateway"}):
            _wait_for(http, f"{address}/{app}/method/livez", app)


def _wait_for(http: httpx.Client, url: str, app: str) -> None:
    refusals = [""]

    def reached() -> bool:
        response = http.get(url)
        refusals.append(response.text)
        return response.status_code != 500

    try:
        eventually(reached, seconds=60, what=f"{app} can be called")
    except AssertionError as error:
        error.add_note(f"its sidecar, or the gateway's, said: {refusals[-1]}")
        raise


def _with_room(environment: dict[str, str]) -> dict[str, str]:
    make_room(environment["TRAVEL_DATABASE_URL"])
    return environment


def read_stack_env(path: Path) -> dict[str, str]:
    values = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        if name and not name.startswith("#"):
            values[name.removeprefix("export ").strip()] = "".join(shlex.split(value))
    return values | {"RUN_DIR": str(path.parent)}


def _stack(command: str, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stack", command], cwd=REPO, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"stack {command} failed\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")


def free_offset() -> int:
    """Offsets in hundreds share no port with one another; take one whose every port is free."""
    offsets = list(range(1000, 17000, 100))
    random.shuffle(offsets)
    for offset in offsets:
        layout = plan({"PORT_OFFSET": str(offset), "MTLS": "1", "OBS": "1"})
        if all(ports.free(port) for port in layout.ports.values()):
            return offset
    raise RuntimeError("no block of free ports")
