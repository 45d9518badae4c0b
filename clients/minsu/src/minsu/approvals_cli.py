"""`minsu ops approvals`, `approve`, `decline`: refunds above the limit that go elsewhere take two operators."""

from typing import Annotated

import typer

from minsu import ops, show
from minsu.ops_options import AsJson, Count, Why, operator

app = typer.Typer()
ApprovalId = Annotated[int, typer.Argument(min=1, help="Its id, as approvals prints it.")]


@app.command()
def approvals(
    state: Annotated[str | None, typer.Option(help="wanted, approved, declined or expired; else all.")] = None,
    count: Count = 50,
    as_json: AsJson = False,
) -> None:
    """List refunds that an operator wants to send elsewhere and that wait or waited for a second one."""
    with operator() as api:
        found = ops.approvals(api, state=state, count=count)
    columns = ("id", "state", "refundSn", "refundFen", "bankType", "accountTail", "requestedBy", "expiresAt", "note")
    show.rows(found, columns, json_wanted=as_json)


@app.command()
def approve(approval: ApprovalId, note: Why, as_json: AsJson = False) -> None:
    """Approve what another operator has asked for: it is sent exactly as it was asked for."""
    with operator() as api:
        show.facts(ops.approve(api, approval, note), json_wanted=as_json)


@app.command()
def decline(approval: ApprovalId, note: Why, as_json: AsJson = False) -> None:
    """Decline a request, or take your own one back. Nothing is sent."""
    with operator() as api:
        show.facts(ops.decline(api, approval, note), json_wanted=as_json)
