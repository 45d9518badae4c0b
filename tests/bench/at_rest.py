"""What the system costs without any requests, and how long it takes to come up."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench import parts
from tests.bench.figures import Figure
from tests.support.system import System

REPO = Path(__file__).resolve().parents[2]
AT_REST_CORES = 0.25
PATIENCE_SECONDS = 60


def idle(system: System, seconds: float) -> list[Figure]:
    by_part = parts.idle_share(Path(system.environment["RUN_DIR"]), seconds)
    milli = {part: share * 1000 for part, share in by_part.items()}
    return [Figure("processor idle", "cores", sum(by_part.values()), None, 0.1, less_is_better=True, by_part=milli)]


def wait_for_rest(system: System) -> bool:
    """Until the events and messages of what was measured before are done: two seconds in turn with next to no processor
    time. False when that did not come within PATIENCE_SECONDS."""
    run, quiet, deadline = Path(system.environment["RUN_DIR"]), 0, time.monotonic() + PATIENCE_SECONDS
    while quiet < 2 and time.monotonic() < deadline:
        quiet = quiet + 1 if sum(parts.idle_share(run, 1).values()) < AT_REST_CORES else 0
    return quiet == 2


def starting(system: System) -> list[Figure]:
    """`make down`, then `make up`, of the very system that is measured."""
    took = restarted(system.environment)
    return [Figure("make up on a set-up machine", "s", took, None, 12, less_is_better=True)]


def restarted(stack_env: Mapping[str, str], **more: str) -> float:
    """Take the system of `stack_env` down and up again, with `more` in its environment; returns how long up took."""
    environment = os.environ | {"MINSU_RUN_DIR": stack_env["RUN_DIR"]} | more
    if offset := stack_env.get("PORT_OFFSET"):
        environment["PORT_OFFSET"] = offset
    _stack("down", environment)
    began = time.monotonic()
    _stack("up", environment)
    return time.monotonic() - began


def _stack(command: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "stack", command], cwd=REPO, env=environment, check=True, capture_output=True)
