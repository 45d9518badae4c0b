"""Child processes that are ended within a time limit, also when their parent is interrupted. Standard library only.

`with subprocess.Popen(…)` waits without a limit when its block is left: a child that does not end hides the error that the
block was left by.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

Child = subprocess.Popen[bytes]  # noqa: TID251 - the type
MARK = "MINSU_TEST_SESSION"
"""Names the folder of the test run that a process belongs to: see leftovers.py."""
GONE_WITHIN = 10.0
"""Seconds after which a killed process is a fault of the machine."""


def start(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | IO[bytes] | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    user: str | None = None,
) -> Child:
    """Start `argv`; whatever `env` says, the child carries the mark of this test run. Who calls it calls `end`."""
    told = dict(os.environ if env is None else env)
    if MARK in os.environ:
        told[MARK] = os.environ[MARK]
    return subprocess.Popen(argv, env=told, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, user=user)  # noqa: S603, TID251 - the caller's own programs; ended by `end`


def end(process: Child, number: int = signal.SIGTERM, *, within: float = 10.0) -> int:
    """Ask with signal `number`, kill after `within` seconds; the exit code. One that has ended is reaped only."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was not flushed has no reader any more
                pipe.close()
    process.send_signal(number)
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(GONE_WITHIN)


@contextmanager
def child(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    within: float = 10.0,
) -> Iterator[Child]:
    """A process that has ended when the block is left, by SIGTERM or, after `within` seconds, by SIGKILL."""
    process = start(argv, env=env, stdin=stdin, stdout=stdout, stderr=stderr)
    try:
        yield process
    finally:
        end(process, within=within)
