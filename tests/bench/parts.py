"""Processor time and memory of each part of a running stack, its children included."""

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

MESSAGE_PARTS = (
    "notification",
    "notification-daprd",
    "postgres, notification",
    "postgres, usercenter",
    "usercenter",
    "usercenter-daprd",
    "wechatsim",
)
"""Parts that work for a paid order's messages and not for the payment, once callbacks are signed beforehand."""
DATABASE = re.compile(r"postgres: \S+ minsu_([a-z]+) ")
"""How PostgreSQL titles the process of a connection: role and database, which is a service's own."""


def processor_seconds(run: Path) -> dict[str, float]:
    """User and system seconds of each part so far, by part. `run` is the stack's folder. PostgreSQL's processes that serve
    one service's connections are a part each; those that have ended count with their parent, "postgres"."""
    used: defaultdict[str, float] = defaultdict(float)
    for name, family in _families(run):
        for process in family:
            used[_database(process) if name == "postgres" else name] += _seconds(process)
    return dict(used)


def resident_bytes(run: Path) -> dict[str, int]:
    """Resident memory of each part now, by part. Pages that processes share count in each of them."""
    return {name: sum(_resident(each) for each in family) for name, family in _families(run)}


def proportional_bytes(run: Path) -> dict[str, int]:
    """The same, each shared page counted once: divided among the processes that have it."""
    return {name: sum(_proportional(each) for each in family) for name, family in _families(run)}


def is_ours(part: str) -> bool:
    """The six services and the sandbox: what is written here."""
    return not part.startswith(("kafka", "postgres", "sentry")) and not part.endswith("-daprd")


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Seconds between two readings, the largest first."""
    used = {part: after[part] - before.get(part, 0.0) for part in after}
    return dict(sorted(used.items(), key=lambda each: -each[1]))


def of_process(pid: int) -> float:
    """Processor seconds of a process and its children so far."""
    parent = psutil.Process(pid)
    return sum(_seconds(each) for each in (parent, *parent.children(recursive=True)))


def idle_share(run: Path, seconds: float) -> dict[str, float]:
    """Cores that each part uses while nothing is asked of it, over so many seconds."""
    before, began = processor_seconds(run), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return {part: used / took for part, used in spent(before, processor_seconds(run)).items()}


def above_idle(used: Mapping[str, float], idle: Mapping[str, float], seconds: float) -> dict[str, float]:
    """`used` seconds by part without those that a system without requests would have used in the same time."""
    return {part: max(0.0, each - idle.get(part, 0.0) * seconds) for part, each in used.items()}


def _families(run: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    for record in sorted((run / "state" / "processes").glob("*.json")):
        known = json.loads(record.read_text())
        try:
            parent = psutil.Process(known["pid"])
            yield record.stem, [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue


def _database(process: psutil.Process) -> str:
    try:
        title = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return "postgres"
    matched = DATABASE.match(title)
    return f"postgres, {matched[1]}" if matched else "postgres"


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
