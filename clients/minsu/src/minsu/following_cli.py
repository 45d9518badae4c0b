"""`minsu ops find`, `steps` and `query-payment`: where a payment is, and setting it going."""

from typing import Annotated

import typer

from minsu import following, show
from minsu.ops_options import AsJson, Why, WhyLook, operator

app = typer.Typer()


@app.command()
def find(
    what: Annotated[
        str, typer.Argument(help="A number of ours or of WeChat's, a mobile, or a check-in code of eight characters.")
    ],
    note: WhyLook = None,
    as_json: AsJson = False,
) -> None:
    """Find the orders that a number, a mobile or a check-in code belongs to."""
    with operator() as api:
        found = following.find(api, what, note)
    columns = ("sn", "tradeState", "refundState", "orderTotalFen", "paymentSn", "createdAt", "title")
    show.rows(found, columns, json_wanted=as_json)


@app.command()
def steps(
    order: Annotated[str, typer.Argument(help="HSO…, as find prints it.")],
    as_json: AsJson = False,
) -> None:
    """Show how an order's payment went across all services, each step with the seconds since the one before."""
    with operator() as api:
        found = following.steps(api, order)
    columns = ("at", "gap", "service", "what", "number", "before", "after", "source", "detail", "fen")
    show.rows(found.steps, columns, json_wanted=as_json)
    for service in found.missing:
        typer.echo(f"{service} has not answered: its steps are missing", err=True)
    for note in found.notes:
        typer.echo(note, err=True)


@app.command("query-payment")
def query_payment(
    payment: Annotated[str, typer.Argument(help="PMT…, as find and steps print it.")],
    note: Why,
    as_json: AsJson = False,
) -> None:
    """Query WeChat about a payment now and settle its verdict, as a callback would: for one that was lost."""
    with operator() as api:
        show.facts(following.query_payment(api, payment, note), json_wanted=as_json)
