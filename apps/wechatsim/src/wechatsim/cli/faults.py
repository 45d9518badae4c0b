"""`wechatsim faults`: list the faults, switch them on and off."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from wechatsim.cli import control_client, output
from wechatsim.cli.options import GROUP, Json, Url

app = typer.Typer(**GROUP, help="Switch faults on and off.")


@app.command("list")
def faults_list(as_json: Json = False, url: Url = None) -> None:
    """List every fault, its effect and which are on. A magic amount is an order's total that causes it.

    Example:  wechatsim faults list
    """
    found = control_client.call(url, "GET", "/_sim/faults")
    on = {fault["name"] for fault in found["active"]}
    rows = [
        ["on" if kind["name"] in on else "", kind["name"], kind["magic_amount"] or "", kind["effect"]]
        for kind in found["known"]
    ]
    columns = ["", "fault", "magic amount (fen)", "effect"]
    output.show(found, as_json=as_json, human=lambda: output.table(columns, rows))


def _active(found: dict[str, Any], *, as_json: bool) -> None:
    if not found["active"]:
        output.info("no fault is on")
    rows = [[fault["name"], fault["match"], fault["value"], fault["times"] or "∞"] for fault in found["active"]]
    columns = ["fault", "match", "value", "times left"]
    output.show(found, as_json=as_json, human=lambda: output.table(columns, rows))


@app.command("set")
def faults_set(  # noqa: PLR0917 - typer passes options by name
    name: Annotated[str, typer.Argument(help="A name from `faults list`.")],
    times: Annotated[int | None, typer.Option(help="How often it applies; else until cleared.")] = None,
    value: Annotated[float | None, typer.Option(help="The fault's number: seconds, copies, fen.")] = None,
    match: Annotated[str, typer.Option(help="Only what contains this: an order number, event type, path.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Switch a fault on.

    Example:  wechatsim faults set callback-doubled --times 1
    """
    body = {"name": name, "times": times, "value": value, "match": match}
    _active(control_client.call(url, "POST", "/_sim/faults/set", body), as_json=as_json)


@app.command("clear")
def faults_clear(
    name: Annotated[str, typer.Argument(help="One fault; else all.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """Switch one fault off, or all. Held notifications are sent.

    Example:  wechatsim faults clear
    """
    _active(control_client.call(url, "POST", "/_sim/faults/clear", {"name": name}), as_json=as_json)
