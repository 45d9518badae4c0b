"""`python -m travel seed` inserts what the demo shows, `… rebuild-nights` asks order which nights are taken."""

import asyncio
import sys

import typer
from pydantic import ValidationError

from servicekit.errors import Unavailable
from servicekit.run import user_and_host
from travel.seed import seed
from travel.settings import SeedSettings, Settings

cli = typer.Typer()


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


@cli.command("rebuild-nights")
def rebuild_nights() -> None:
    """Forget which nights are taken and ask order for all of them, through the sidecar. Can be repeated."""
    try:
        count = asyncio.run(_rebuilt())
    except Unavailable as error:
        sys.stderr.write(f"travel: {error}; nights are missing until this was run again\n")
        raise SystemExit(1) from None
    sys.stdout.write(f"travel: {count} nights\n")


async def _rebuilt() -> int:
    from travel.parts import Parts  # noqa: PLC0415 - the whole service, which other commands do not need

    parts = Parts.of(Settings.load())
    try:
        return await parts.taken_nights.rebuild(by=user_and_host())
    finally:
        await parts.sidecar.close()
        await parts.db.close()
