"""A test run that is ended from outside takes with it what it has started: within a bound, whatever the signal."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from stack import children, leftovers
from tests.support import held_open
from tests.support.stack import REPO
from tests.support.waiting import eventually

GONE_WITHIN = 15.0
SIDECARS = 6


@contextmanager
def test_run(tmp_path: Path, test: str, *options: str) -> Iterator[tuple[children.Child, Path, Callable[[], str]]]:
    """pytest in a process of its own; the folder of its run, and what it has told so far."""
    told = tmp_path / "told"
    told.touch()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    argv = [sys.executable, "-m", "pytest", "-p", "tests.support.held_open", *options]
    argv.append(f"{held_open.__file__}::{test}")
    with children.child(argv, env=env | {held_open.HELD: str(told), "PYTHONPATH": str(REPO)}) as run:
        eventually(told.read_text, seconds=300, what="the test run has begun")
        yield run, Path(told.read_text().split()[0]), told.read_text


test_run.__test__ = False  # type: ignore[attr-defined]  # named for what it is


def names(folder: Path) -> list[str]:
    found = []
    for process in leftovers.marked_processes(folder):
        with contextlib.suppress(psutil.NoSuchProcess):  # one of those that come and go while the system comes up
            found.append(process.name())
    return found


def nothing_is_left(folder: Path) -> None:
    eventually(lambda: not folder.exists(), seconds=GONE_WITHIN, what="the folder of the run is gone")
    assert leftovers.marked_processes(folder) == []


@pytest.mark.parametrize(
    ("number", "options"), [(signal.SIGTERM, []), (signal.SIGTERM, ["-n1"]), (signal.SIGKILL, ["-n1"])], ids=str
)
def test_its_database_ends_with_it(tmp_path: Path, number: int, options: list[str]) -> None:
    with test_run(tmp_path, "test_with_a_database", *options) as (run, folder, told):
        eventually(lambda: "ready" in told(), seconds=300, what="the database is there")
        assert "postgres" in names(folder)
        run.send_signal(number)
        nothing_is_left(folder)


@pytest.mark.stack
def test_the_whole_system_ends_with_it(tmp_path: Path) -> None:
    with test_run(tmp_path, "test_with_the_system") as (run, folder, _):
        eventually(lambda: names(folder).count("daprd") == SIDECARS, seconds=400, what="every sidecar runs")
        assert {"postgres", "java", "wechatsim"} <= set(names(folder))
        run.send_signal(signal.SIGTERM)
        nothing_is_left(folder)


@pytest.mark.stack
def test_a_system_that_is_still_coming_up_ends_with_it(tmp_path: Path) -> None:
    with test_run(tmp_path, "test_with_the_system") as (run, folder, told):
        eventually(lambda: "java" in names(folder), seconds=200, what="the system comes up")
        run.kill()
        nothing_is_left(folder)
        assert "ready" not in told()
