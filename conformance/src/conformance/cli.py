"""`make conformance`: one role, one app, a report."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console

from conformance import proving, reporting, running, seats
from conformance.cases import Result, Verdict
from conformance.expecting import Unmet
from conformance.roles.base import Role
from conformance.roles.notification.session import NOTIFICATION
from conformance.roles.order.session import ORDER
from conformance.roles.payment.session import PAYMENT
from conformance.seats import READY_WITHIN, Seat
from stack import leftovers
from stack.errors import StackError
from stack.layout import REPO

FOLDER = REPO / ".run-conformance"
"""Kept between runs with APP=: the environment that was printed stays true."""
APP_WITHIN = 300.0
"""Seconds in which the user starts the app with what was printed."""
ROLES: dict[str, Role[Any]] = {each.name: each for each in (NOTIFICATION, ORDER, PAYMENT)}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(width=None if os.isatty(1) else 160)


@app.command()
def check(
    *,
    role: Annotated[str, typer.Option(help=f"the app-id: {', '.join(ROLES)}")],
    address: Annotated[
        str, typer.Option("--app", help="where an app that you start listens: http://127.0.0.1:PORT")
    ] = "",
    seat: Annotated[str, typer.Option(help="python or go: the repository's own, started by the kit")] = "",
    command: Annotated[str, typer.Option("--run", help="a command that the kit starts, kills and doubles")] = "",
    broken: Annotated[str, typer.Option(help="a deliberate defect of conformance/broken, for seat python")] = "",
    only: Annotated[str, typer.Option(help="ids or beginnings of ids, by comma")] = "",
) -> None:
    """Run the conformance cases of a role against one implementation. Exit code 1 when a case fails."""
    with _messages():
        tried = _role(role)
        wanted = tried.cases.chosen(filter(None, only.split(",")))
        chosen = _seat(role, address, seat, command, broken)
        with _folder(kept=bool(address)) as folder, tried.surroundings(folder, console, _port(address)) as around:
            if chosen.argv is None:
                _print_settings(around.testbed.settings(role), address, folder)
            with around.world(chosen, wait=READY_WITHIN if chosen.argv else APP_WITHIN) as world:
                verdicts = running.run(wanted, world, lambda verdict: reporting.show_line(console, verdict))
    _report(role, chosen, verdicts)
    raise typer.Exit(1 if any(each.result is Result.FAIL for each in verdicts) else 0)


@app.command()
def prove() -> None:
    """The kit itself: our implementations are green, each broken one is red in exactly the cases that concern it."""
    wrong = []
    with _messages(), _folder(kept=False) as folder:
        for role, tried in ROLES.items():
            with tried.surroundings(folder / role, console, None) as around:
                for trial in proving.trials(role, seats.own(role)):
                    console.rule(f"{role} ({trial.seat.name})", align="left")
                    with around.world(trial.seat, wait=READY_WITHIN) as world:
                        chosen = trial.cases(tried.cases.found)
                        verdicts = running.run(chosen, world, lambda verdict: reporting.show_line(console, verdict))
                    wrong += [f"{role} ({trial.seat.name}): {each}" for each in proving.surprises(trial, verdicts)]
                    console.print(reporting.summary(verdicts), highlight=False)
    for each in wrong:
        console.print(f"[bold red]✗[/] {each}", highlight=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
    console.print("each good one is green, each broken one red where it must be")


@contextmanager
def _messages() -> Iterator[None]:
    """Prints what hinders a run as one message, and exits with 2."""
    try:
        yield
    except (StackError, ValueError, Unmet) as error:
        console.print(f"[bold red]✗[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None


def _report(role: str, seat: Seat, verdicts: Sequence[Verdict]) -> None:
    reporting.show(console, f"{role} ({seat.name})", verdicts)
    file = REPO / "build" / "conformance" / f"{role}.xml"
    reporting.write_junit(file, role, verdicts)
    console.print(f"JUnit: {file.relative_to(REPO)}", highlight=False)


def _role(role: str) -> Role[Any]:
    if role not in ROLES:
        raise StackError(f"ROLE={role}: one of {', '.join(ROLES)}")
    return ROLES[role]


def _seat(role: str, address: str, seat: str, command: str, broken: str) -> Seat:
    if sum(map(bool, (address, seat, command))) != 1:
        raise StackError("give one of APP=http://127.0.0.1:PORT, SEAT=python|go, RUN='command'")
    if address:
        return Seat(address, None)
    if command:
        return _command(command)
    if broken:
        return Seat.python(role, broken)
    if seat not in (own := seats.own(role)):
        raise StackError(f"SEAT={seat}: {role} is here in {', '.join(own)}; any other program: RUN='command'")
    return own[seat]


def _command(line: str) -> Seat:
    """Of RUN=, before anything is started for it. Raises StackError."""
    try:
        chosen = Seat.command(line)
    except ValueError as why:
        raise StackError(f"RUN={line}: {why}") from None
    program = next(iter(chosen.argv or ()), "")
    if not shutil.which(REPO / program if "/" in program else program):
        raise StackError(f"RUN={line}: {program} is no program that can be run from {REPO}")
    return chosen


def _port(address: str) -> int | None:
    """Of APP=; the app's sidecar reaches it on loopback only. Raises StackError."""
    if not address:
        return None
    parts = urlsplit(address)
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "localhost"} or not parts.port:
        raise StackError(f"APP={address}: http://127.0.0.1:PORT is needed")
    return parts.port


@contextmanager
def _folder(*, kept: bool) -> Iterator[Path]:
    """Where keys, data and logs go. All that is started in it ends with this process, however it ends."""
    with leftovers.Run() as run:
        yield FOLDER if kept else run.folder


def _print_settings(settings: dict[str, str], address: str, folder: Path) -> None:
    """Into a file and on the terminal: what the app has to be started with."""
    own = {
        name: value
        for name, value in settings.items()
        if os.environ.get(name) != value and name != "MINSU_TEST_SESSION"
    }
    file = folder / "app.env"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in sorted(own.items())))
    file.chmod(0o600)
    console.rule("environment of the app")
    console.print(file.read_text(), markup=False, highlight=False, soft_wrap=True)
    console.rule()
    console.print(
        f"start the app with it (set -a; . {file}; set +a), so that it listens at {address}; waiting …", soft_wrap=True
    )
