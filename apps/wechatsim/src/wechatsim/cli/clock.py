"""`wechatsim clock`: read the sandbox clock and move it forward."""

from __future__ import annotations

from typing import Annotated

import typer

from wechatsim.cli import control_client, output
from wechatsim.cli.options import GROUP, Json, Url

app = typer.Typer(**GROUP, help="Read the sandbox clock and move it forward.")


@app.command("show")
def clock_show(as_json: Json = False, url: Url = None) -> None:
    """Print the sandbox time.

    Example:  wechatsim clock show
    """
    now = control_client.call(url, "GET", "/_sim/clock")
    output.show(now, as_json=as_json, human=lambda: output.pairs(now))


@app.command("advance")
def clock_advance(
    by: Annotated[str, typer.Argument(help="90s, 31m, 24h, 2d, 1h30m.")], as_json: Json = False, url: Url = None
) -> None:
    """Move the clock forward. Orders expire, retries and refunds become due; signatures keep real time.

    Example:  wechatsim clock advance 31m
    """
    now = control_client.call(url, "POST", "/_sim/clock/advance", {"by": by})
    output.show(now, as_json=as_json, human=lambda: output.pairs(now))
