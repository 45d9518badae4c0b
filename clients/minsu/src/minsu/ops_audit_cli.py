"""`minsu ops verify-audit`: has anyone changed what operators did?"""

from pathlib import Path
from typing import Annotated

import typer

from minsu import ops_audit, show
from minsu.ops_options import AsJson, operator

app = typer.Typer()


@app.command("verify-audit")
def verify_audit(
    head: Annotated[
        bool, typer.Option("--head", help="Print the end of each log, to be kept elsewhere for --against.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option("--against", exists=True, dir_okay=False, help="What --head printed: is all of it still there?"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the audit log of all services: each row has the hash of the one before. Exits with 1 if one is broken."""
    heads = ops_audit.read(against.read_text()) if against else {}
    with operator() as api:
        found = ops_audit.verify(api, heads)
    if head:
        typer.echo(ops_audit.written(found), nl=False)
    else:
        show.rows(found, ("service", "rows", "head", "state"), json_wanted=as_json)
    if any(each["brokenSeq"] is not None for each in found):
        raise typer.Exit(1)
