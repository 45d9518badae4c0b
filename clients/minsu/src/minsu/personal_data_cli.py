"""`minsu ops personal-data …`: what is held of a person, and forgetting them."""

from typing import Annotated

import typer

from minsu import ops, show
from minsu.ops_options import AsJson, operator

app = typer.Typer()
of_person = typer.Typer(help="What all services hold of a person: tell it, erase it.", no_args_is_help=True)
app.add_typer(of_person, name="personal-data")
UserId = Annotated[int, typer.Argument(min=1, help="The account's id, as `minsu ops account MOBILE` prints it.")]
Note = Annotated[
    str, typer.Option("--note", help="Why, such as the person's request; kept with your name and the time.")
]


@of_person.command()
def export(user: UserId, note: Note) -> None:
    """Print as JSON all that every service holds of a user."""
    with operator() as api:
        show.as_json(ops.ask(api, "usercenter", "personalDataExport", {"userId": user, "note": note})["services"])


@of_person.command()
def erase(
    user: UserId,
    note: Note,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Close an account and remove the person from every service. Amounts, numbers and dates stay. Safe to repeat."""
    if not yes and typer.prompt(f"Type the id {user} to confirm", err=True) != str(user):
        typer.echo("wrong id: nothing was erased", err=True)
        raise typer.Exit(1)
    with operator() as api:
        erased = ops.ask(api, "usercenter", "personalDataErase", {"userId": user, "note": note})["services"]
    rows = [
        {"service": name, "what": what, "rows": count} for name, each in erased.items() for what, count in each.items()
    ]
    show.rows(rows, ("service", "what", "rows"), json_wanted=as_json)
