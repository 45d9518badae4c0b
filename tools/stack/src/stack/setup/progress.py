"""Runs a long command and says that it is still at work: a ticking line on a terminal, a line each 15 s elsewhere."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stack import children

LINE_EVERY = 15.0
TAIL = 25


class StepFailed(Exception):
    """A command of the set-up did not succeed; the message is fit to be shown."""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def exit_code(step: Callable[[], object]) -> int:
    """Takes the step: 0, or 1 when it raised StepFailed, which is said in one line."""
    try:
        step()
    except StepFailed as failure:
        say(f"  ✗ {failure}")
        return 1
    return 0


def run(
    label: str,
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run argv with its output in `log`; on failure raise StepFailed with the last lines."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    live = sys.stdout.isatty()
    if not live:
        say(f"  … {label}")
    with log.open("wb") as sink:
        child = children.start(argv, env=env, cwd=cwd, stdout=sink, stderr=subprocess.STDOUT)
        try:
            code = _wait(child, label, started, live=live)
        finally:
            children.end(child)
    took = time.monotonic() - started
    if code:
        lines = log.read_text(errors="replace").splitlines()[-TAIL:]
        tail = "\n".join(f"      {line}" for line in lines)
        raise StepFailed(f"{label} failed (exit {code}) after {took:.0f} s; the end of {log}:\n{tail}")
    say(f"{chr(13) if live else ''}  ✓ {label} ({took:.0f} s)          ")


def _wait(child: children.Child, label: str, started: float, *, live: bool) -> int:
    next_line = LINE_EVERY
    while True:
        try:
            return child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            elapsed = time.monotonic() - started
            if live:
                sys.stdout.write(f"\r  … {label} ({elapsed:.0f} s)")
                sys.stdout.flush()
            elif elapsed >= next_line:
                say(f"  … {label}: {elapsed:.0f} s")
                next_line += LINE_EVERY
