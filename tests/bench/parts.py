"""Processor time of each part of a running stack, its children included: what noise on the machine does not move."""

import json
from collections.abc import Mapping
from pathlib import Path

import psutil


def processor_seconds(run: Path) -> dict[str, float]:
    """User and system seconds of each part so far, by part. `run` is the stack's folder. PostgreSQL's backends that have
    ended count with their parent."""
    seconds: dict[str, float] = {}
    for record in sorted((run / "state" / "processes").glob("*.json")):
        known = json.loads(record.read_text())
        try:
            parent = psutil.Process(known["pid"])
            family = [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        seconds[record.stem] = sum(_of(process) for process in family)
    return seconds


def _of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Seconds between two readings, the largest first."""
    used = {part: after[part] - before.get(part, 0.0) for part in after}
    return dict(sorted(used.items(), key=lambda each: -each[1]))
