"""Answers 503 instead of 404 for deliveries whose path this build does not know.

The sidecar takes a 404 for "drop this event" (of a batch without even a dead letter): after a rollback, or in an old pod
beside a newer subscription, it would be lost. A 503 leaves it with the broker until a build comes that knows the path.
"""

from typing import NoReturn

import structlog
from fastapi import FastAPI
from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from servicekit.errors import Unavailable

log = structlog.get_logger()
UNKNOWN = Counter("deliveries_unknown_total", "Deliveries for a path that this build does not have", ["path"])


def install(app: FastAPI) -> None:
    """To be called when all routes are there. Any method: a 405 would be no better an answer."""
    for folder in ("/events", "/jobs"):
        app.mount(folder, _refuse)


async def _refuse(scope: Scope, _receive: Receive, _send: Send) -> NoReturn:
    UNKNOWN.labels(scope["path"][:120]).inc()
    log.error("a delivery for a path that this build does not have", path=scope["path"], method=scope["method"])
    raise Unavailable("this build has no such path", retry_after=5)
