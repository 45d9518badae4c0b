"""`python -m usercenter`: serve, `migrate`, `seed`."""

import asyncio
import sys

from servicekit.run import command_line
from usercenter.main import create_app
from usercenter.seed import SeedSettings, seed
from usercenter.settings import Settings

cli = command_line("usercenter", Settings, create_app)


@cli.command("seed")
def seed_people() -> None:
    """Put the demo's people in, or back to what the environment says of them; as often as you like."""
    count = asyncio.run(seed(SeedSettings.load()))
    sys.stdout.write(f"usercenter: {count} people are in\n")


if __name__ == "__main__":
    cli()
