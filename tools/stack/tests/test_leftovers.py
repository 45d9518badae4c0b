"""The next run finds and names what an earlier one has left, and touches nothing else."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack import children, leftovers

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, children.Child]]:
    """A folder of a test run by its path → a process with its mark; all gone afterwards."""
    made: dict[str, children.Child] = {}

    class Started(dict[str, children.Child]):
        def __missing__(self, folder: str) -> children.Child:
            monkeypatch.setenv(children.MARK, folder)
            self[folder] = made[folder] = children.start(SLEEP)
            return self[folder]

    yield Started()
    for process in made.values():
        children.end(process)


def run_of(place: Path, name: str, pid: int, born_at: float) -> str:
    folder = place / f"{leftovers.PREFIX}{name}"
    folder.mkdir()
    (folder / "owner.json").write_text(json.dumps({"pid": pid, "born_at": born_at}))
    return str(folder)


def test_what_an_ended_run_left_is_named_and_ended_and_a_living_runs_is_not(
    tmp_path: Path, marked: dict[str, children.Child], capsys: pytest.CaptureFixture[str]
) -> None:
    born_at = psutil.Process().create_time()
    living = run_of(tmp_path, "living", os.getpid(), born_at)
    ended = run_of(tmp_path, "ended", os.getpid(), born_at - 1000)  # its number was given away since
    elsewhere = str(tmp_path / "another-place")
    for folder in (living, ended, elsewhere):
        assert marked[folder].poll() is None

    leftovers.end_older(tmp_path)

    assert marked[ended].wait(5) != 0
    assert [marked[folder].poll() for folder in (living, elsewhere)] == [None, None]
    assert (Path(living).is_dir(), Path(ended).exists()) == (True, False)
    said = capsys.readouterr().err
    assert said.startswith(f"an earlier test run (pid {os.getpid()}, {ended}) was ended and had left 1 processes")
    assert str(marked[ended].pid) in said


def test_a_folder_that_its_run_removes_meanwhile_is_no_error(tmp_path: Path) -> None:
    (tmp_path / f"{leftovers.PREFIX}gone").symlink_to(tmp_path / "removed")
    leftovers.end_older(tmp_path)


def test_a_folder_without_an_owner_is_not_ours_to_judge(tmp_path: Path, marked: dict[str, children.Child]) -> None:
    folder = tmp_path / f"{leftovers.PREFIX}strange"
    folder.mkdir()
    assert marked[str(folder)].poll() is None
    leftovers.end_older(tmp_path)
    assert (marked[str(folder)].poll(), folder.is_dir()) == (None, True)
