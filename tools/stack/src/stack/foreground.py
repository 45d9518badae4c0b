"""`make run`: watch what runs, forward the logs, name what dies, stop on Ctrl-C or SIGTERM what this run has started."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

from rich.console import Console

from stack.processes import Processes
from stack.system import Started
from stack.view import LogFollower

PAUSE = 0.2
LOOK_EVERY = 1.0


def watch(console: Console, started: Started) -> None:
    """Returns on Ctrl-C, SIGTERM or SIGHUP."""
    run = started.environment.layout.run
    processes = Processes(run)
    names = [part.name for part in started.parts]
    follower = LogFollower(console, [processes.log(name) for name in names], from_start=False)
    enough = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        enough.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup make run
            signal.signal(number, stop)
    living, next_look = set(names), time.monotonic()
    while not enough.is_set():
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + LOOK_EVERY
            living = _name_the_dead(console, processes, names, living)
        if not follower.forward():
            enough.wait(PAUSE)


def _name_the_dead(console: Console, processes: Processes, names: list[str], living: set[str]) -> set[str]:
    now = {name for name in names if processes.alive(name)}
    for name in sorted(living - now):
        console.print(f"[bold red]{name} has ended[/]; its last lines:")
        console.print(processes.tail(name), markup=False, highlight=False)
        console.print("  [dim]`make up` in another terminal starts it again[/]")
    return now
