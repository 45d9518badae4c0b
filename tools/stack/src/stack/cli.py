"""What `make` calls."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from stack import checks, foreground, layout, replacements, system, view
from stack.errors import StackError
from stack.processes import Processes

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Runs the whole of Minsu on this machine.")
console = Console()


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Print a StackError as one message without a traceback, and exit with 1."""
    try:
        yield
    except StackError as error:
        console.print(f"[bold red]✗[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("interrupted; `make down` stops what has been started")
        raise typer.Exit(130) from None


def bring_up(*, infrastructure_only: bool = False) -> system.Started:
    progress = view.Progress(console)
    began = time.monotonic()
    try:
        started = system.up(progress, infrastructure_only=infrastructure_only)
    finally:
        progress.close()
    news = f"started {len(started.new)}" if started.new else "nothing to start"
    console.print(f"ready in {time.monotonic() - began:.1f} s ({news}, {len(started.parts)} parts)", highlight=False)
    if started.outdated:
        names = ", ".join(started.outdated)
        console.print(f"[yellow]still with the settings of their start: {names}[/] (make down first)", soft_wrap=True)
    return started


@app.command()
def up() -> None:
    """Everything in the background; returns when it is ready."""
    with errors_as_messages():
        started = bring_up()
        view.banner(console, started.environment)


@app.command()
def infra() -> None:
    """All but the services and their sidecars."""
    with errors_as_messages():
        environment = bring_up(infrastructure_only=True).environment
        where = environment.layout
        as_it_is = where == layout.plan({}) and not replacements.chosen(where.repo, environment.caller)
        file = "dapr/dapr.yaml" if as_it_is else str(where.rendered_dapr_file)
        console.print(f"next: dapr run -f {file}", highlight=False)


@app.command()
def run() -> None:
    """Everything in the foreground, until Ctrl-C."""
    with errors_as_messages():
        before = system.running()
        try:
            started = bring_up()
            view.banner(console, started.environment)
            foreground.watch(console, started)
        finally:
            console.print("\nstopping …")
            system.stop_all_but(before)


@app.command()
def down() -> None:
    """Stop exactly what was started here."""
    with errors_as_messages():
        stopped, killed = system.down()
        console.print(
            f"stopped {', '.join(stopped)}" if stopped else "nothing was running", highlight=False, soft_wrap=True
        )
        if killed:
            console.print(f"[yellow]did not stop in time and were killed: {', '.join(killed)}[/]")


@app.command()
def status(
    *,
    json: Annotated[bool, typer.Option("--json", help="for a script")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="the exit code alone")] = False,
) -> None:
    """Each part; exit code 1 when one is not ready."""
    with errors_as_messages():
        states = system.status()
        if json:
            typer.echo(system.dump(states))
        elif not quiet:
            console.print(view.status_table(states) if states else "nothing has been brought up here")
        if not states or any(state.state != "ready" for state in states):
            raise typer.Exit(1)


@app.command()
def logs(
    names: Annotated[list[str] | None, typer.Argument(help="parts; all when none is named")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n")] = 20,
) -> None:
    """The end of each log."""
    with errors_as_messages():
        recorded = layout.recorded()
        processes = Processes(recorded.layout.run)
        wanted = [processes.log(name) for name in (names or recorded.parts)]
        absent = [log for log in wanted if not log.exists()]
        if absent and names:
            raise StackError(f"there is no {absent[0]}")
        for log in wanted:
            if log.exists():
                view.last_lines(console, log, lines)
        follower = view.LogFollower(console, wanted, from_start=False)
        while follow:
            follower.forward()
            time.sleep(0.2)


@app.command()
def check() -> None:
    """Style, types, imports, dependencies, Dapr's definitions."""
    with errors_as_messages():
        raise typer.Exit(0 if checks.run_all(console, layout.REPO) else 1)


@app.command()
def secrets() -> None:
    """Look for private keys and tokens in every tracked file; `check` looks at what changed."""
    with errors_as_messages():
        raise typer.Exit(subprocess.run(checks.secrets(layout.REPO, []), cwd=layout.REPO, check=False).returncode)  # noqa: S603 - our own checker


@app.command()
def erase() -> None:
    """Forget this stack's data, keys and logs."""
    with errors_as_messages():
        system.erase()
