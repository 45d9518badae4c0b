"""Terminal output: progress, the banner, the status table, logs with a name and a colour each."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from stack import replacements
from stack.environment import Environment
from stack.setup import jaeger
from stack.system import PartState
from stack.vault import PEOPLE

PALETTE = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")
LINE_EVERY = 15.0


class Progress:
    """A line for each step that is done; on a terminal also one that ticks with what is waited for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._next_line = LINE_EVERY

    def waiting_for(self, names: list[str], elapsed: float) -> None:
        text = f"{', '.join(names)} ({elapsed:.0f} s)"
        if self._console.is_terminal:
            if self._status is None:
                self._status = self._console.status(text)
                self._status.start()
            self._status.update(text)
        elif elapsed > self._next_line:
            self._next_line += LINE_EVERY
            self._console.print(f"  … waiting for {text}", highlight=False, soft_wrap=True)

    def done(self, name: str, took: float) -> None:
        self._console.print(f"  [green]✓[/] {name:<24}[dim]{took:6.1f} s[/]", highlight=False)

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()


def banner(console: Console, environment: Environment) -> None:
    where, vault = environment.layout, environment.vault
    table = Table.grid(padding=(0, 2))
    table.add_row("Storefront", where.url("gateway"))
    table.add_row("Operations", f"{where.url('gateway')}/console (sign in as the operator; the code: minsu ops code)")
    table.add_row(
        "WeChat's part", f"{where.url('wechatsim')}/_sim/console (the sandbox's console; codes by text message, too)"
    )
    for role in PEOPLE:
        person = vault.person(role)
        table.add_row(role.capitalize(), f"{person.mobile}  password {person.password}")
    if where.is_observed:
        pages = "" if jaeger.has_pages(where.repo) else "; pages come with an installed Jaeger"
        table.add_row("Traces", f"{where.url('jaeger')} (minsu trace SN shows one in the terminal{pages})")
        table.add_row("Metrics", f"{where.url('prometheus')} (alerts: {where.url('prometheus')}/alerts)")
    for seat in where.seats:
        table.add_row(
            f"Beside it: {seat.app}", f"{where.url(seat.app)} ({seat.folder.name}; its files: {where.run / seat.app})"
        )
    for one in replacements.chosen(where.repo, environment.caller):
        table.add_row(
            one.app.capitalize(), f"in {one.language.capitalize()}, from {one.source.relative_to(where.repo)}"
        )
    table.add_row("Settings", str(where.run / "stack.env"))
    table.add_row("Logs", str(where.run / "logs"))
    console.print()
    console.print(table, highlight=False, soft_wrap=True)
    console.print()


def status_table(states: list[PartState]) -> Table:
    table = Table("part", "pid", "port", "state", "up for", box=None, header_style="bold")
    for state in states:
        colour = {"ready": "green", "down": "red"}.get(state.state, "yellow")
        age = "" if state.started_at is None else str(timedelta(seconds=int(time.time() - state.started_at)))
        pid = "" if state.pid is None else str(state.pid)
        other = f" ({state.language})" if state.language not in {"", replacements.PYTHON} else ""
        table.add_row(state.part + other, pid, str(state.port), Text(state.state, style=colour), age)
    return table


class LogFollower:
    """New lines of many logs, each with its part's name and colour."""

    def __init__(self, console: Console, logs: Iterable[Path], *, from_start: bool) -> None:
        self._console = console
        self._logs = list(logs)
        self._width = max((len(log.stem) for log in self._logs), default=0)
        self._open: dict[Path, tuple[IO[str], int]] = {}
        for log in self._logs:
            self._reopen(log, at_end=not from_start)

    def _reopen(self, log: Path, *, at_end: bool) -> None:
        if not log.exists():
            return
        stream = log.open(errors="replace")
        if at_end:
            stream.seek(0, 2)
        self._open[log] = (stream, log.stat().st_ino)

    def forward(self) -> bool:
        """Print what is new; whether there was anything."""
        found = False
        for index, log in enumerate(self._logs):
            known = self._open.get(log)
            if known is None or (log.exists() and log.stat().st_ino != known[1]):
                self._reopen(log, at_end=False)
                known = self._open.get(log)
            for line in known[0] if known else ():
                found = True
                name = Text(f"{log.stem:<{self._width}} │ ", style=PALETTE[index % len(PALETTE)])
                self._console.print(name + Text(line.rstrip("\n")), soft_wrap=True, highlight=False)
        return found


def last_lines(console: Console, log: Path, lines: int) -> None:
    console.print(Text(f"── {log.stem}", style="bold"))
    for line in log.read_text(errors="replace").splitlines()[-lines:]:
        console.print(Text(line), soft_wrap=True, highlight=False)
