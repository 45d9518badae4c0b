"""`wechatsim events`, `trigger` and `listen`: notifications and their delivery."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from wechatsim.cli import control_client, listener, output
from wechatsim.cli.options import GROUP, Json, Url

_ATTEMPT_S = 6.0
events = typer.Typer(**GROUP, help="Show notifications and send them again.")

# The names of the callback faults in `trigger --tamper`.
TAMPER = {
    "signature": "callback-bad-signature",
    "amount": "callback-wrong-amount",
    "time": "callback-old-time",
    "body": "callback-bad-body",
    "serial": "callback-wrong-serial",
    "signtest": "callback-signtest",
    "mchid": "callback-wrong-mchid",
    "appid": "callback-wrong-appid",
    "order": "callback-unknown-order",
    "ciphertext": "callback-bad-ciphertext",
    "key": "callback-other-key",
}


def _event_row(event: dict[str, Any]) -> list[Any]:
    tries = event["attempts"]
    last = tries[-1] if tries else {}
    result = last.get("status") or str(last.get("error", ""))[:60]
    return [event["id"], event["event_type"], event["out_trade_no"], event["state"], len(tries), result]


def _attempted(url: str | None, found: list[dict[str, Any]], tries: int = 1) -> list[dict[str, Any]]:
    """The same notifications after `tries` attempts each, or after six seconds, so that their outcome is shown."""
    end = time.monotonic() + _ATTEMPT_S
    while time.monotonic() < end:
        if not any(event["state"] == "PENDING" and len(event["attempts"]) < tries for event in found):
            break
        time.sleep(0.1)
        found = [control_client.call(url, "GET", f"/_sim/notifications/{event['id']}") for event in found]
    return found


def _show_events(found: list[dict[str, Any]], *, as_json: bool) -> None:
    columns = ["id", "event", "order", "state", "attempts", "last response"]
    output.show(
        {"notifications": found}, as_json=as_json, human=lambda: output.table(columns, list(map(_event_row, found)))
    )


@events.command("list")
def events_list(
    order: Annotated[str, typer.Option(help="Only this order's.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """List the notifications, newest first.

    Example:  wechatsim events list --order PMT2026080112000012345678
    """
    found = control_client.call(url, "GET", "/_sim/notifications", query={"out_trade_no": order})["notifications"]
    _show_events(found, as_json=as_json)


@events.command("show")
def events_show(
    ident: Annotated[str, typer.Argument(help="The notification's id.")], as_json: Json = False, url: Url = None
) -> None:
    """Show one notification. Its content, and every attempt with its request and response.

    Example:  wechatsim events show 5f0c… --json
    """
    event = control_client.call(url, "GET", f"/_sim/notifications/{ident}")

    def human() -> None:
        names = ("id", "event_type", "out_trade_no", "out_refund_no", "url", "state", "created_at", "next_at")
        output.pairs({name: event[name] for name in names})
        output.print_json(event["plaintext"])
        for attempt in event["attempts"]:
            result = attempt["status"] or attempt["error"]
            faults = f"  {attempt['fault']}" if attempt["fault"] else ""
            typer.echo(f"\nattempt {attempt['n']}  {attempt['at']}  {result}  {attempt['duration_ms']} ms{faults}")
            for name, value in attempt["request_headers"].items():
                typer.echo(f"  > {name}: {value}")
            typer.echo(f"  > {attempt['request_body']}")
            typer.echo(f"  < {result} {attempt['response_body']}".rstrip())

    output.show(event, as_json=as_json, human=human)


@events.command("resend")
def events_resend(
    ident: Annotated[str, typer.Argument(help="The notification's id.")],
    to: Annotated[str, typer.Option(help="The new notify_url, for later attempts too.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Send a notification again, now. It is signed anew.

    Example:  wechatsim events resend 5f0c…
    """
    event = control_client.call(url, "POST", f"/_sim/notifications/{ident}/resend", {"url": to})
    _show_events(_attempted(url, [event], len(event["attempts"]) + 1), as_json=as_json)


def trigger(  # noqa: PLR0917 - typer passes options by name
    event: Annotated[str, typer.Argument(help="transaction.success, refund.success, refund.abnormal, refund.closed")],
    order: Annotated[str, typer.Option(help="An order; an unpaid one is paid. Else one is created.")] = "",
    notify_url: Annotated[
        str, typer.Option(help="Where to notify a new order or refund; not needed with `listen`.")
    ] = "",
    total: Annotated[int, typer.Option(help="The new order's total in fen.")] = 100,
    tamper: Annotated[
        list[str] | None, typer.Option(metavar="WHAT", help=f"Tamper with it, repeatable: {', '.join(TAMPER)}.")
    ] = None,
    twice: Annotated[bool, typer.Option("--twice", help="Send it twice at the same time.")] = False,
    delay: Annotated[float, typer.Option(help="Send it this many seconds later.")] = 0.0,
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Trigger an event and its notification. As WeChat sends it, or tampered with.

    Example:  wechatsim trigger transaction.success --notify-url http://127.0.0.1:8004/notify --tamper signature
    """
    unknown = [name for name in tamper or [] if name not in TAMPER]
    if unknown:
        output.fail(f"unknown --tamper value {', '.join(unknown)}", f"one of {', '.join(TAMPER)}")
    callback_faults: dict[str, float] = {TAMPER[name]: 0 for name in tamper or []}
    if twice:
        callback_faults["callback-doubled"] = 2
    if delay:
        callback_faults["callback-late"] = delay
    body = {"event": event, "out_trade_no": order, "notify_url": notify_url, "total": total, "faults": callback_faults}
    found = control_client.call(url, "POST", "/_sim/trigger", body)["notifications"]
    _show_events(found if delay else _attempted(url, found), as_json=as_json)


def listen(
    forward_to: Annotated[str, typer.Option(help="The program's URL, for example http://127.0.0.1:8004/notify")],
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Forward every notification to a local program. Its response counts. Ctrl-C stops it.

    While this runs, the sandbox calls no notify_url, so an unreachable one works too.

    Example:  wechatsim listen --forward-to http://127.0.0.1:8004/notify
    """
    listener.run(url, forward_to, as_json=as_json)
