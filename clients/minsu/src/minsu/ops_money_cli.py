"""`minsu ops …` about money at a glance: payments, what should end, statistics, days."""

from typing import Annotated

import typer

from minsu import ops_money, show
from minsu.ops_options import AsJson, Count, OlderThan, operator

app = typer.Typer()
Hours = Annotated[int, typer.Option(min=1, max=24, help="How many hours back.")]
Step = Annotated[int, typer.Option("--step", min=1, max=60, help="Minutes of a line; divides an hour.")]


@app.command()
def payments(
    status: Annotated[
        int | None, typer.Option(min=-1, max=2, help="-1 closed, 0 waiting, 1 paid, 2 refunded; else all.")
    ] = None,
    older_than: OlderThan = None,
    count: Count = 50,
    as_json: AsJson = False,
) -> None:
    """List payments, newest first."""
    with operator() as api:
        found = ops_money.payments(api, status=status, older_than=older_than, count=count)
    columns = ("sn", "payStatus", "tradeState", "totalFen", "refundedFen", "orderSn", "createdAt", "payTime")
    show.rows(found, columns, json_wanted=as_json)


@app.command()
def unfinished(as_json: AsJson = False) -> None:
    """Show how many payments, refunds, notices and differences should end, and for how long they have been open."""
    with operator() as api:
        found = ops_money.unfinished(api)
    columns = ("subject", "state", "count", "fen", "overTenMinutes", "overHour", "overDay", "oldestAt")
    show.rows(found, columns, json_wanted=as_json)


@app.command()
def statistics(hours: Hours = 24, step: Step = 60, as_json: AsJson = False) -> None:
    """Show payments, the time until they were settled and confirmed (median, 99th percentile), and failures by kind."""
    with operator() as api:
        found = ops_money.statistics(api, hours=hours, step_minutes=step)
    if as_json:
        show.as_json(found)
        return
    seconds = ("at", "count", "p50Seconds", "p99Seconds")
    for title, name, columns in (
        ("settled", "paid", seconds),
        ("confirmed", "confirmed", seconds),
        ("failures", "failures", ("kind", "cause", "count", "lastAt")),
    ):
        typer.echo(title)
        show.rows(found[name], columns, json_wanted=False)


@app.command()
def reconciliations(count: Count = 31, as_json: AsJson = False) -> None:
    """List the reconciled days, newest first; `differences --date` shows one in full."""
    with operator() as api:
        found = ops_money.reconciliations(api, count=count)
    columns = ("date", "state", "payments", "refunds", "differences", "openDifferences", "problem")
    show.rows(found, columns, json_wanted=as_json)


@app.command("payout-days")
def payout_days(count: Count = 31, as_json: AsJson = False) -> None:
    """List the days of payouts with their sums, newest first; amounts in fen."""
    with operator() as api:
        found = ops_money.payout_days(api, count=count)
    columns = ("day", "completedAt", "records", "businesses", "staysFen", "refundsFen", "feeFen", "netFen")
    show.rows(found, columns, json_wanted=as_json)
