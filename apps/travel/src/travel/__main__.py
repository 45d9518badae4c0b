"""`python -m travel`: serve, `migrate`, `seed`."""

import asyncio
import sys

from pydantic import ValidationError

from servicekit.run import command_line
from travel.main import create_app
from travel.seed import seed
from travel.settings import SeedSettings, Settings

cli = command_line("travel", Settings, create_app)


@cli.command("seed")
def seed_homestays() -> None:
    """Insert the demo's homestays, shops and comments. Idempotent."""
    try:
        settings = SeedSettings()
    except ValidationError:
        sys.stderr.write("setting TRAVEL_DATABASE_URL: missing or wrong\n")
        raise SystemExit(2) from None
    counts = asyncio.run(seed(settings.database_url))
    sys.stdout.write("travel: " + ", ".join(f"{count} {table}" for table, count in counts.items()) + " seeded\n")


if __name__ == "__main__":
    cli()
