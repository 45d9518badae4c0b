"""A service in two builds: `python -m tests.integration.later` knows no event; with CONSUMES=1 it takes those of one topic.

What it has taken it prints, one id a line.
"""

import asyncio
import os
import sys
from typing import Any

from fastapi import FastAPI

from servicekit import app, deadletters, inbox, serving
from servicekit.auth import TokenVerifier, jwks_by_invocation
from servicekit.clock import utc_now
from servicekit.db import Database
from servicekit.events import CloudEvent, Consumer, EventData, bulk_routes
from servicekit.settings import ServiceSettings
from servicekit.sidecar import Sidecar

NAME, TOPIC, PATH = "later", "later-topic", "/events/later"


async def _take(event: CloudEvent, _data: EventData) -> None:
    sys.stdout.write(f"took {event.id}\n")
    sys.stdout.flush()


class Reapplying:
    """As cron would."""

    def __init__(self, letters: deadletters.DeadLetters) -> None:
        self._letters = letters

    async def run(self) -> None:
        while True:
            await self._letters.reapply()
            await asyncio.sleep(0.2)


def create_app(settings: ServiceSettings) -> FastAPI:
    sidecar = Sidecar.of(settings)
    more: dict[str, Any] = {"routers": []}
    if os.environ.get("CONSUMES"):
        consumer = Consumer(TOPIC, PATH, EventData, _take)
        db = Database.of(settings)
        letters = deadletters.DeadLetters(db=db, clock=utc_now, app_id=NAME, consumers=[consumer])

        async def tables() -> None:
            async with db.engine.begin() as connection:
                for metadata in (deadletters.metadata, inbox.metadata):
                    await connection.run_sync(metadata.create_all)

        more = {
            "routers": [bulk_routes(consumer)],
            "db": db,
            "dead_letters": letters,
            "background": [Reapplying(letters)],
            "on_start": [tables],
        }
    verifier = TokenVerifier(jwks_by_invocation(sidecar))
    # The messages are payment's: a service of tests has none.
    return app.build("payment", settings, sidecar=sidecar, verifier=verifier, clock=utc_now, **more)


if __name__ == "__main__":
    serving.serve_app(NAME, ServiceSettings.load(), create_app)
