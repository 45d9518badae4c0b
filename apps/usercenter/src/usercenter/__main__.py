"""`python -m usercenter`: serve, `migrate`, `seed`, `roles`."""

import asyncio
import sys
from typing import Annotated

import typer

from servicekit.db import Database
from servicekit.errors import NotFound
from servicekit.run import command_line
from usercenter.main import create_app
from usercenter.roles import Role, change_roles
from usercenter.seed import SeedSettings, seed
from usercenter.settings import Settings

cli = command_line("usercenter", Settings, create_app)


@cli.command("seed")
def seed_people() -> None:
    """Put the demo's people in, or back to what the environment says of them; as often as you like."""
    count = asyncio.run(seed(SeedSettings.load()))
    sys.stdout.write(f"usercenter: {count} people are in\n")


@cli.command("roles")
def roles(
    mobile: str,
    database_url: Annotated[str, typer.Option(envvar="USERCENTER_DATABASE_URL", show_default=False)],
    grant: Annotated[list[Role] | None, typer.Option(help="May be given more than once.")] = None,
    revoke: Annotated[list[Role] | None, typer.Option(help="The present token has it for two hours more.")] = None,
) -> None:
    """Show what the person with MOBILE may do, and change it."""

    async def change() -> list[str]:
        db = Database(database_url, pool_size=1)
        try:
            return await change_roles(db, mobile, grant=grant or (), revoke=revoke or ())
        finally:
            await db.close()

    try:
        typer.echo(f"{mobile}: {', '.join(asyncio.run(change()))}")
    except NotFound as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    cli()
