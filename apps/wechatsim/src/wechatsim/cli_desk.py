"""The commands that drive a sandbox beyond a plain purchase; `cli` puts them together."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from wechatsim import listener, remote

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="The sandbox. Default: $WECHATSIM_URL, $WXPAY_BASE_URL, " + remote.DEFAULT_URL),
]
_ATTEMPT_S = 6.0
_HELP: dict[str, Any] = {"no_args_is_help": True, "rich_markup_mode": None}
events = typer.Typer(**_HELP, help="Look at notifications and send them again.")
clock = typer.Typer(**_HELP, help="Read the sandbox clock and move it forward.")
faults = typer.Typer(**_HELP, help="Switch faults on and off.")

# What `trigger --tamper` calls the callback faults.
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
    said = last.get("status") or str(last.get("error", ""))[:60]
    return [event["id"], event["event_type"], event["out_trade_no"], event["state"], len(tries), said]


def _attempted(url: str | None, found: list[dict[str, Any]], tries: int = 1) -> list[dict[str, Any]]:
    """The same notifications once each has been tried so often, so that what is shown is how it went; bounded."""
    end = time.monotonic() + _ATTEMPT_S
    while time.monotonic() < end:
        if not any(event["state"] == "PENDING" and len(event["attempts"]) < tries for event in found):
            break
        time.sleep(0.1)
        found = [remote.call(url, "GET", f"/_sim/notifications/{event['id']}") for event in found]
    return found


def _show_events(found: list[dict[str, Any]], *, as_json: bool) -> None:
    columns = ["id", "event", "order", "state", "attempts", "last answer"]
    remote.show(
        {"notifications": found}, as_json=as_json, human=lambda: remote.table(columns, list(map(_event_row, found)))
    )


@events.command("list")
def events_list(
    order: Annotated[str, typer.Option(help="Only this order's.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """List the notifications, newest first.

    Example:  wechatsim events list --order PMT2026080112000012345678
    """
    found = remote.call(url, "GET", "/_sim/notifications", query={"out_trade_no": order})["notifications"]
    _show_events(found, as_json=as_json)


@events.command("show")
def events_show(
    ident: Annotated[str, typer.Argument(help="The notification's id.")], as_json: Json = False, url: Url = None
) -> None:
    """Show one notification. What it says, and every attempt with its request and answer.

    Example:  wechatsim events show 5f0c… --json
    """
    event = remote.call(url, "GET", f"/_sim/notifications/{ident}")

    def human() -> None:
        names = ("id", "event_type", "out_trade_no", "out_refund_no", "url", "state", "created_at", "next_at")
        remote.facts({name: event[name] for name in names})
        remote.say_data(event["plaintext"])
        for attempt in event["attempts"]:
            said = attempt["status"] or attempt["error"]
            spoilt = f"  {attempt['fault']}" if attempt["fault"] else ""
            typer.echo(f"\nattempt {attempt['n']}  {attempt['at']}  {said}  {attempt['duration_ms']} ms{spoilt}")
            for name, value in attempt["request_headers"].items():
                typer.echo(f"  > {name}: {value}")
            typer.echo(f"  > {attempt['request_body']}")
            typer.echo(f"  < {said} {attempt['response_body']}".rstrip())

    remote.show(event, as_json=as_json, human=human)


@events.command("resend")
def events_resend(
    ident: Annotated[str, typer.Argument(help="The notification's id.")],
    to: Annotated[str, typer.Option(help="Send it there from now on.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Send a notification once more, now. It is signed anew.

    Example:  wechatsim events resend 5f0c…
    """
    event = remote.call(url, "POST", f"/_sim/notifications/{ident}/resend", {"url": to})
    _show_events(_attempted(url, [event], len(event["attempts"]) + 1), as_json=as_json)


@clock.command("show")
def clock_show(as_json: Json = False, url: Url = None) -> None:
    """Print the sandbox's time.

    Example:  wechatsim clock show
    """
    now = remote.call(url, "GET", "/_sim/clock")
    remote.show(now, as_json=as_json, human=lambda: remote.facts(now))


@clock.command("advance")
def clock_advance(
    by: Annotated[str, typer.Argument(help="90s, 31m, 24h, 2d, 1h30m.")], as_json: Json = False, url: Url = None
) -> None:
    """Move the clock forward. Orders expire, retries and refunds become due; signatures keep real time.

    Example:  wechatsim clock advance 31m
    """
    now = remote.call(url, "POST", "/_sim/clock/advance", {"by": by})
    remote.show(now, as_json=as_json, human=lambda: remote.facts(now))


@faults.command("list")
def faults_list(as_json: Json = False, url: Url = None) -> None:
    """List every fault, its effect and which are on. A magic amount is an order's total that causes it.

    Example:  wechatsim faults list
    """
    found = remote.call(url, "GET", "/_sim/faults")
    on = {fault["name"] for fault in found["active"]}
    rows = [
        ["on" if kind["name"] in on else "", kind["name"], kind["magic_amount"] or "", kind["effect"]]
        for kind in found["known"]
    ]
    columns = ["", "fault", "magic amount (fen)", "effect"]
    remote.show(found, as_json=as_json, human=lambda: remote.table(columns, rows))


def _active(found: dict[str, Any], *, as_json: bool) -> None:
    if not found["active"]:
        remote.say("no fault is on")
    rows = [[fault["name"], fault["match"], fault["value"], fault["times"] or "∞"] for fault in found["active"]]
    columns = ["fault", "match", "value", "times left"]
    remote.show(found, as_json=as_json, human=lambda: remote.table(columns, rows))


@faults.command("set")
def faults_set(  # noqa: PLR0917 - typer passes options by name
    name: Annotated[str, typer.Argument(help="A name from `faults list`.")],
    times: Annotated[int | None, typer.Option(help="Strike this often; else until cleared.")] = None,
    value: Annotated[float | None, typer.Option(help="The fault's number: seconds, copies, fen.")] = None,
    match: Annotated[str, typer.Option(help="Only what contains this: an order number, event type, path.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Switch a fault on.

    Example:  wechatsim faults set callback-doubled --times 1
    """
    body = {"name": name, "times": times, "value": value, "match": match}
    _active(remote.call(url, "POST", "/_sim/faults/set", body), as_json=as_json)


@faults.command("clear")
def faults_clear(
    name: Annotated[str, typer.Argument(help="One fault; else all.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """Switch one fault off, or all. Held notifications are let go.

    Example:  wechatsim faults clear
    """
    _active(remote.call(url, "POST", "/_sim/faults/clear", {"name": name}), as_json=as_json)


def trigger(  # noqa: PLR0917 - typer passes options by name
    event: Annotated[str, typer.Argument(help="transaction.success, refund.success, refund.abnormal, refund.closed")],
    order: Annotated[str, typer.Option(help="An order; an unpaid one is paid. Without it one is made.")] = "",
    notify_url: Annotated[
        str, typer.Option(help="Where to notify when an order or refund is made; `listen` needs none.")
    ] = "",
    total: Annotated[int, typer.Option(help="The made order's total in fen.")] = 100,
    tamper: Annotated[
        list[str] | None, typer.Option(metavar="WHAT", help=f"Spoil it, repeatable: {', '.join(TAMPER)}.")
    ] = None,
    twice: Annotated[bool, typer.Option("--twice", help="Send it twice at once.")] = False,
    delay: Annotated[float, typer.Option(help="Send it this many seconds later.")] = 0.0,
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Make an event happen and notify it. Truly, or tampered with.

    Example:  wechatsim trigger transaction.success --notify-url http://127.0.0.1:8004/notify --tamper signature
    """
    unknown = [name for name in tamper or [] if name not in TAMPER]
    if unknown:
        remote.fail(f"no way to tamper called {', '.join(unknown)}", f"one of {', '.join(TAMPER)}")
    struck: dict[str, float] = {TAMPER[name]: 0 for name in tamper or []}
    if twice:
        struck["callback-doubled"] = 2
    if delay:
        struck["callback-late"] = delay
    body = {"event": event, "out_trade_no": order, "notify_url": notify_url, "total": total, "faults": struck}
    found = remote.call(url, "POST", "/_sim/trigger", body)["notifications"]
    _show_events(found if delay else _attempted(url, found), as_json=as_json)


def refund(  # noqa: PLR0917 - typer passes options by name
    number: Annotated[str, typer.Argument(help="The order's number; with --finish the refund's.")],
    amount: Annotated[int | None, typer.Option(help="Fen; else what is left.")] = None,
    ending: Annotated[str, typer.Option("--as", help="success, abnormal or closed.")] = "success",
    finish: Annotated[bool, typer.Option("--finish", help="End a refund that is PROCESSING or ABNORMAL.")] = False,
    notify_url: Annotated[str, typer.Option(help="Where to notify; else nobody is told.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Refund an order, or end a refund that waits. As from the merchant's own console.

    Example:  wechatsim refund PMT2026080112000012345678 --amount 900
    """
    if finish:
        done = remote.call(url, "POST", "/_sim/refund/finish", {"out_refund_no": number, "ending": ending})
    else:
        body = {"out_trade_no": number, "amount": amount, "ending": ending, "notify_url": notify_url}
        done = remote.call(url, "POST", "/_sim/refund", body)
    shown = f"{done['status']} {remote.yuan(done['amount']['refund'])}  {done['out_refund_no']}"
    remote.show(done, as_json=as_json, human=lambda: typer.echo(shown))


def listen(
    forward_to: Annotated[str, typer.Option(help="Your callback, for example http://127.0.0.1:8004/notify")],
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Hand every notification to a program here. Its answer counts. Ends with Ctrl-C.

    While this runs, the sandbox calls no notify_url: an unreachable one is fine.

    Example:  wechatsim listen --forward-to http://127.0.0.1:8004/notify
    """
    listener.run(url, forward_to, as_json=as_json)


def books(
    order: Annotated[str, typer.Option(help="Only this order's.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """Print the books: paid, refunded and held, per order.

    Example:  wechatsim books --json
    """
    found = remote.call(url, "GET", "/_sim/books", query={"out_trade_no": order})
    names = ["out_trade_no", "state", "total", "paid", "refunded", "refunding", "held"]
    rows = [[row[name] for name in names] for row in found["books"]]
    remote.show(found, as_json=as_json, human=lambda: remote.table(names, rows))
