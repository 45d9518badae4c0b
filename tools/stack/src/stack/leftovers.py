"""What a test run starts ends with it, however the run ends: by its last test, by Ctrl-C, by SIGTERM or by SIGKILL.

A run has a folder; its path, in the environment of every process that the run starts, is the mark by which they are
known. A watchdog in a session of its own holds a pipe from the run: when the pipe closes, it ends what carries the mark
and removes the folder. Should the watchdog be killed too, the next run does the same. What does not carry the mark of a
run that is over is never touched.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from stack.children import MARK

PLACE, PREFIX = Path("/tmp"), "minsu-tests-"  # noqa: S108 - PostgreSQL's own user must reach it; mkdtemp makes the folder
CLOCK_SLACK = 2.0
PATIENCE = 5.0
"""So many seconds PostgreSQL has to give back its shared memory before it is killed."""
SWEPT_WITHIN = 30.0


def session_folder() -> str | None:
    """Folder for the temporary files of this test run; None outside of one, for the system's default."""
    return os.environ.get(MARK)


class Run:
    """The test run of this process, from `with` to its end. Said to stderr: what had to be ended, of this run or older."""

    def __init__(self, place: Path = PLACE) -> None:
        self._place = place

    def __enter__(self) -> Self:
        end_older(self._place)
        self.folder = _new_folder(self._place)
        env = {name: value for name, value in os.environ.items() if name != MARK}
        watched, self._held = os.pipe()
        argv = [sys.executable, "-m", "stack.leftovers", str(self.folder)]
        self._watchdog = subprocess.Popen(argv, stdin=watched, env=env, start_new_session=True)  # noqa: S603, TID251 - this module; outlives us
        os.close(watched)
        self._outer = os.environ.get(MARK)
        os.environ[MARK] = str(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        del os.environ[MARK]
        if self._outer is not None:
            os.environ[MARK] = self._outer
        os.close(self._held)
        self._watchdog.wait(SWEPT_WITHIN)


def _new_folder(place: Path) -> Path:
    made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=place))
    made.chmod(0o755)
    owner = {"pid": os.getpid(), "born_at": psutil.Process().create_time()}
    (made / "owner.json").write_text(json.dumps(owner))
    return made.rename(made.with_name(made.name.removeprefix(".")))  # with an owner from its first moment


def end_older(place: Path = PLACE) -> None:
    """End and name what earlier runs of this user have left, when they were ended together with their watchdog."""
    for folder in place.glob(f"{PREFIX}*"):
        if not _is_ours(folder) or (owner := _owner(folder)) is None:
            continue
        if not _lives(**owner):
            end(folder, f"an earlier test run (pid {owner['pid']:.0f}, {folder}) was ended and had left")


def _is_ours(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.geteuid()
    except FileNotFoundError:  # its run has ended since we looked
        return False


def _owner(folder: Path) -> dict[str, float] | None:
    try:
        known = json.loads((folder / "owner.json").read_text())
        return {"pid": int(known["pid"]), "born_at": float(known["born_at"])}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _lives(pid: float, born_at: float) -> bool:
    try:
        process = psutil.Process(int(pid))
        return abs(process.create_time() - born_at) < CLOCK_SLACK and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(folder: Path, whose: str) -> None:
    """End all that carries the mark of `folder`, say so after `whose`, and remove the folder with its mounts."""
    named: dict[tuple[int, float], str] = {}
    deadline = time.monotonic() + PATIENCE
    while found := marked_processes(folder):
        for process in found:
            with suppress(psutil.NoSuchProcess):
                who = (process.pid, process.create_time())
                fresh = who not in named
                named.setdefault(who, f"{process.name()} {process.pid}")
                if not named[who].startswith("postgres") or time.monotonic() > deadline:
                    process.kill()
                elif fresh:
                    process.send_signal(signal.SIGQUIT)  # at once, but without leaving its shared memory behind
        time.sleep(0.05)
    if named:
        sys.stderr.write(f"{whose} {len(named)} processes; ended: {', '.join(named.values())}\n")
    _remove(folder)


def marked_processes(folder: Path) -> list[psutil.Process]:
    """The living processes that carry the mark of `folder`; never this one."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            marked = process.environ().get(MARK) == str(folder)
            if marked and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _remove(folder: Path) -> None:
    for one in psutil.disk_partitions(all=True):  # a test's tiny disk: tests/chaos/disk.py
        if Path(one.mountpoint).is_relative_to(folder):
            subprocess.run(["umount", "-l", one.mountpoint], check=False, timeout=PATIENCE)  # noqa: S603, S607 - a mount of ours
    shutil.rmtree(folder, ignore_errors=True)


def main(folder: Path) -> None:
    """The watchdog: nothing but the end of the run ends it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end(folder, f"this test run ({folder}) left")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
