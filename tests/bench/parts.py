"""Processor time and memory of each part of a running stack, its children included."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

MESSAGE_PARTS = ("notification", "notification-daprd", "usercenter", "usercenter-daprd", "wechatsim")
"""Parts that work for a paid order's messages and not for the payment, once callbacks are signed beforehand."""


def processor_seconds(run: Path) -> dict[str, float]:
    """User and system seconds of each part so far, by part. `run` is the stack's folder. PostgreSQL's backends that have
    ended count with their parent."""
    return {name: sum(_seconds(each) for each in family) for name, family in _families(run)}


def resident_bytes(run: Path) -> dict[str, int]:
    """Resident memory of each part now, by part. Pages that processes share count in each of them."""
    return {name: sum(_resident(each) for each in family) for name, family in _families(run)}


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
    before = processor_seconds(run)
    time.sleep(seconds)
    return {part: used / seconds for part, used in spent(before, processor_seconds(run)).items()}


def _families(run: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    for record in sorted((run / "state" / "processes").glob("*.json")):
        known = json.loads(record.read_text())
        try:
            parent = psutil.Process(known["pid"])
            yield record.stem, [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue


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
