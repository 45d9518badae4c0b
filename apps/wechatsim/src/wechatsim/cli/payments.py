"""`wechatsim pay`, `refund` and `books`."""

from __future__ import annotations

from typing import Annotated

import typer

from wechatsim.cli import control_client, output
from wechatsim.cli.options import Json, Url


def pay(
    out_trade_no: Annotated[str, typer.Argument(help="The merchant's order number.")],
    openid: Annotated[str, typer.Option(help="The payer's openid; must be the order's.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Pay an order, as its payer would. The notification is sent at once.

    Example:  wechatsim pay PMT2026080112000012345678
    """
    body = {"out_trade_no": out_trade_no, "openid": openid}
    paid = control_client.call(url, "POST", "/_sim/pay", body)
    output.show(
        paid,
        as_json=as_json,
        human=lambda: print(f"paid {output.yuan(paid['amount']['total'])}  {paid['transaction_id']}"),
    )


def refund(  # noqa: PLR0917 - typer passes options by name
    number: Annotated[str, typer.Argument(help="The order's number; with --finish the refund's.")],
    amount: Annotated[int | None, typer.Option(help="Fen; else the remaining amount.")] = None,
    ending: Annotated[str, typer.Option("--as", help="success, abnormal or closed.")] = "success",
    finish: Annotated[bool, typer.Option("--finish", help="End a refund that is PROCESSING or ABNORMAL.")] = False,
    notify_url: Annotated[str, typer.Option(help="Where to notify; else there is no notification.")] = "",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Refund an order, or end a pending refund. Like the merchant console of WeChat Pay.

    Example:  wechatsim refund PMT2026080112000012345678 --amount 900
    """
    if finish:
        done = control_client.call(url, "POST", "/_sim/refund/finish", {"out_refund_no": number, "ending": ending})
    else:
        body = {"out_trade_no": number, "amount": amount, "ending": ending, "notify_url": notify_url}
        done = control_client.call(url, "POST", "/_sim/refund", body)
    shown = f"{done['status']} {output.yuan(done['amount']['refund'])}  {done['out_refund_no']}"
    output.show(done, as_json=as_json, human=lambda: typer.echo(shown))


def books(
    order: Annotated[str, typer.Option(help="Only this order's.")] = "", as_json: Json = False, url: Url = None
) -> None:
    """Print the ledger: paid, refunded and held, per order.

    Example:  wechatsim books --json
    """
    found = control_client.call(url, "GET", "/_sim/books", query={"out_trade_no": order})
    names = ["out_trade_no", "state", "total", "paid", "refunded", "refunding", "held"]
    rows = [[row[name] for name in names] for row in found["books"]]
    output.show(found, as_json=as_json, human=lambda: output.table(names, rows))
