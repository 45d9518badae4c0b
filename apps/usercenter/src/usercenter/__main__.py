"""`python -m usercenter`: serve, `migrate`, `seed`."""

import asyncio

from servicekit.run import command_line
from usercenter.main import create_app
from usercenter.seed import SeedSettings, seed
from usercenter.settings import Settings

cli = command_line("usercenter", Settings, create_app)


@cli.command("seed")
def seed_people() -> None:
    """Put the demo's people in, or back to what the environment says of them; as often as you like."""
    asyncio.run(seed(SeedSettings.load()))


if __name__ == "__main__":
    cli()
