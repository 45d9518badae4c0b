"""The commands. Data to standard output, messages to standard error; a refusal is one line and exit code 1."""

import json
import signal
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from minsu import demo as purchase_demo
from minsu import ops_cli, purchase, settings, waterfall
from minsu.api import Api
from minsu.errors import CommandFailed
from minsu.sandbox import Sandbox
from minsu.traces import Jaeger

app = typer.Typer(
    help="Book a homestay, pay and check in, through Minsu's public API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(ops_cli.app, name="ops")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; amounts in fen.")]
Sn = Annotated[str, typer.Argument(help="The order's number: HSO…")]
Seconds = Annotated[
    float, typer.Option("--timeout", min=0.1, help="How long to wait for the payment's status, in seconds.")
]


def main() -> None:
    """The console script. SIGTERM ends it as Ctrl-C does, also in the background job of a script, which ignores SIGINT."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        app()
    except CommandFailed as error:
        complaint = Console(stderr=True, highlight=False, soft_wrap=True)
        complaint.print(f"error: {error}", markup=False, style="red")
        if error.hint:
            complaint.print(f"hint: {error.hint}", markup=False)
        sys.exit(1)


@app.command()
def book(
    homestay: Annotated[
        int | None, typer.Option(min=1, help="Which one; else one of the merchant's, or the first.")
    ] = None,
    nights: Annotated[int, typer.Option(min=1)] = 1,
    people: Annotated[int, typer.Option(min=1)] = 1,
    food: Annotated[bool, typer.Option("--food", help="With meals.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create an order from tonight on, and its prepayment, as the buyer."""
    with _signed_in("BUYER") as api:
        chosen = homestay or purchase.choose_homestay(api, owner_id=_merchant_id())["id"]
        booked = purchase.book(api, purchase.BookingRequest(chosen, nights, people, food))
    _show(booked, as_json)


@app.command()
def pay(
    sn: Sn,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the backend says paid.")] = True,
    timeout: Seconds = 30.0,
    as_json: AsJson = False,
) -> None:
    """Tap "pay" in WeChat (the sandbox), then wait for the payment's status."""
    with _signed_in("BUYER") as api:
        sandbox = Sandbox(settings.load().wechatsim_url)
        _show(purchase.pay(api, sandbox, sn, seconds=timeout, wait=wait), as_json)


@app.command()
def order(sn: Sn, as_json: AsJson = False) -> None:
    """Show one of the buyer's orders, with its check-in code once it is paid."""
    with _signed_in("BUYER") as api:
        _show(purchase.order_facts(purchase.detail(api, sn), purchase.payment_status(api, sn)), as_json)


@app.command()
def orders(
    state: Annotated[int, typer.Option(min=-99, max=4, help="-1 … 4; -99 for all.")] = -99,
    count: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the buyer's orders, newest first."""
    with _signed_in("BUYER") as api:
        rows = purchase.orders(api, state=state, count=count)
    if as_json:
        _print_json(rows)
        return
    columns = ("order", "state", "total", "nights", "homestay")
    cells = [
        (row["sn"], row["state"], _yuan(row["total_fen"]), f"{row['start']} – {row['end']}", row["title"])
        for row in rows
    ]
    if not sys.stdout.isatty():
        for cell in cells:
            typer.echo("\t".join(cell))
        return
    grid = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for cell in cells:
        grid.add_row(*cell)
    Console(highlight=False).print(grid)


@app.command()
def cancel(sn: Sn, as_json: AsJson = False) -> None:
    """Cancel an order that is not paid."""
    with _signed_in("BUYER") as api:
        _show(purchase.cancel(api, sn), as_json)


@app.command()
def checkin(code: Annotated[str, typer.Argument(help="The guest's 8 characters.")], as_json: AsJson = False) -> None:
    """Check a guest in, as the merchant."""
    with _signed_in("MERCHANT") as api:
        _show(purchase.check_in(api, code), as_json)


@app.command()
def demo(timeout: Seconds = 30.0, as_json: AsJson = False) -> None:
    """Do the whole purchase: sign in, order, prepay, pay, confirmation, messages, check-in."""
    out = Console(highlight=False, soft_wrap=True)

    def tell(step: purchase_demo.Step) -> None:
        if not as_json:
            out.print(f"[green]✓[/] {step.name:<26} [bold]{step.ms:>8.1f} ms[/]  ", end="")
            out.print(step.said, markup=False)

    result = purchase_demo.run(settings.load(), tell, seconds=timeout)
    if as_json:
        _print_json(result)
        return
    for message in result["messages"]:
        fields = ", ".join(f"{name} {value}" for name, value in message["data"].items())
        out.print(f"  ✉ {message['title']}: {fields}", markup=False)
    out.print(f"done in {result['total_ms']:.0f} ms: {result['order_sn']} is checked in", markup=False)


@app.command()
def trace(
    sn: Annotated[str, typer.Argument(help="HSO… of an order, PMT… of a payment or RFD… of a refund.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; times in microseconds.")] = False,
) -> None:
    """Show what happened to it, service by service, as a waterfall (needs OBS=1 or JAEGER_URL)."""
    found = Jaeger(settings.load().jaeger_url).of(sn)
    if as_json:
        _print_json([each.as_json() for each in found])
    else:
        waterfall.show(Console(highlight=False, width=None if sys.stdout.isatty() else 160), found)


def _signed_in(who: str) -> Api:
    chosen = settings.load()
    account = chosen.account(who)
    api = Api(chosen.gateway_url, language=chosen.language)
    api.sign_in(account)
    return api


def _merchant_id() -> int | None:
    if not settings.load().knows("MERCHANT"):
        return None
    with _signed_in("MERCHANT") as api:
        return purchase.own_id(api)


def _show(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _print_json(facts)
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        shown = _yuan(value) if name == "total_fen" else "–" if value is None else value
        typer.echo(f"{name.removesuffix('_fen').ljust(width)}  {shown}")


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _yuan(amount_fen: int) -> str:
    return f"¥{amount_fen // 100}.{amount_fen % 100:02d}"
