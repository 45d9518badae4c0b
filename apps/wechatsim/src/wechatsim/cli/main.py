"""The `wechatsim` command: every subcommand is registered here."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from wechatsim import __version__
from wechatsim.cli import clock, faults, keys, notifications, payments, serve, users

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A sandbox for WeChat Pay API v3 and the mini-program server APIs.\n\n"
    "Start:\n\n  wechatsim keys new --dir keys\n\n  wechatsim serve --keys keys --allow-local-notify\n\n"
    "Then point your SDK at http://127.0.0.1:8090 and pay with `wechatsim pay ORDER`.",
)
app.add_typer(keys.app, name="keys")
app.add_typer(notifications.events, name="events")
app.add_typer(clock.app, name="clock")
app.add_typer(faults.app, name="faults")
for command in (
    serve.serve,
    payments.pay,
    users.code,
    users.messages,
    users.sms,
    payments.refund,
    notifications.trigger,
    notifications.listen,
    payments.books,
):
    app.command()(command)


def _version(*, wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    *, version: Annotated[bool, typer.Option("--version", callback=lambda v: _version(wanted=v), is_eager=True)] = False
) -> None:
    pass


def main() -> None:
    """The console script. SIGTERM stops it like Ctrl-C, also in the background job of a script, which ignores SIGINT."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    app()
