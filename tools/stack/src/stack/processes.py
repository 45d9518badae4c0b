"""Detached processes with a log, a pid file and a start time, so that `down` never signals a reused pid."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from stack import children
from stack.errors import PartDied

CLOCK_SLACK = 2.0
TAIL = 15


@dataclass(frozen=True)
class Program:
    """What to start. `user` is set when root must not run it; `nice` above 0 lets others have the processor first."""

    name: str
    argv: list[str]
    env: dict[str, str]
    cwd: Path
    user: tuple[int, int] | None = None
    stop_signal: int = signal.SIGTERM
    stop_within: float = 15.0
    nice: int = 0


@dataclass(frozen=True)
class Record:
    name: str
    pid: int
    born_at: float
    started_at: float
    stop_signal: int
    stop_within: float
    settings: str = field(default="")


class Processes:
    """The processes of one stack, as its run folder knows them."""

    def __init__(self, run: Path) -> None:
        self._logs, self._pids, self._records = run / "logs", run / "pids", run / "state" / "processes"
        for folder in (self._logs, self._pids, self._records):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)  # also what an older build made
        self._children: dict[str, children.Child] = {}

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def start(self, program: Program, settings: str = "") -> Record:
        log = self.log(program.name)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        uid, gid = program.user or (None, None)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as sink:
            child = subprocess.Popen(  # noqa: S603, TID251 - the stack's own programs, ended by `stop`
                program.argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                env=program.env, cwd=program.cwd, start_new_session=True,
                user=uid, group=gid, extra_groups=None if uid is None else [],
            )  # fmt: skip
        self._children[program.name] = child
        if program.nice:
            _be_nice(child.pid, program.nice)
        born = psutil.Process(child.pid).create_time()
        record = Record(program.name, child.pid, born, time.time(), program.stop_signal, program.stop_within, settings)
        (self._records / f"{program.name}.json").write_text(json.dumps(asdict(record)))
        (self._pids / f"{program.name}.pid").write_text(f"{child.pid}\n")
        return record

    def wait(self, name: str, within: float = 10.0) -> None:
        """Wait until a process that was started by this object has ended. Raises subprocess.TimeoutExpired."""
        if child := self._children.get(name):
            child.wait(within)

    def record(self, name: str) -> Record | None:
        file = self._records / f"{name}.json"
        return Record(**json.loads(file.read_text())) if file.exists() else None

    def recorded(self) -> list[Record]:
        """All that was started, oldest first."""
        found = [self.record(file.stem) for file in self._records.glob("*.json")]
        return sorted((one for one in found if one), key=lambda one: one.started_at)

    def alive(self, name: str) -> Record | None:
        record = self.record(name)
        return record if record and self._process(record) else None

    def _process(self, record: Record) -> psutil.Process | None:
        child = self._children.get(record.name)
        if child is not None:
            child.poll()  # reaps it, so that a dead child is not taken for a living one
        try:
            process = psutil.Process(record.pid)
            same = abs(process.create_time() - record.born_at) < CLOCK_SLACK
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def must_live(self, name: str) -> None:
        """Raise PartDied, with the end of its log, when the process has ended."""
        if self.alive(name):
            return
        child = self._children.get(name)
        code = child.returncode if child else None
        how = (
            "ended" if code is None else f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        )
        raise PartDied(name, how, self.tail(name))

    def tail(self, name: str, lines: int = TAIL) -> str:
        log = self.log(name)
        text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
        return "\n".join(f"    {line}" for line in text) or f"    (nothing in {log})"

    def stop(self, records: Iterable[Record]) -> list[str]:
        """Ask these processes to stop, all at once, and kill what does not in time. Returns the killed ones' names."""
        asked: list[tuple[Record, psutil.Process, float]] = []
        for record in records:
            process = self._process(record)
            if process is not None:
                _signal(process, record.stop_signal)
                asked.append((record, process, time.monotonic() + record.stop_within))
            else:
                self.forget(record.name)
        killed = []
        for record, process, deadline in asked:
            while self._process(record) and time.monotonic() < deadline:
                time.sleep(0.05)
            if self._process(record):
                killed.append(record.name)
                _kill_session(process)
            self.forget(record.name)
        return killed

    def forget(self, name: str) -> None:
        (self._records / f"{name}.json").unlink(missing_ok=True)
        (self._pids / f"{name}.pid").unlink(missing_ok=True)
        child = self._children.pop(name, None)
        if child is not None:
            # A process of many threads is a zombie a little before it can be reaped.
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=1)


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _kill_session(process: psutil.Process) -> None:
    """The process is the leader of a session of its own: its children go with it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    psutil.wait_procs([process], timeout=5)


def _be_nice(pid: int, nice: int) -> None:
    """Linux may group processes by session and compare these groups first: each of ours has a session of its own."""
    psutil.Process(pid).nice(nice)
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))
