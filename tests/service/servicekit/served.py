"""A service as payment is one, in a process of its own: a callback, a page for visitors, and one that never ends.

`python -m tests.service.servicekit.served`; UNREAD_SECONDS shortens what no setting does.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from servicekit import app, serving
from servicekit.auth import TokenVerifier, jwks_by_invocation
from servicekit.clock import utc_now
from servicekit.deadletters import DeadLetters
from servicekit.settings import ServiceSettings
from servicekit.sidecar import Sidecar

CALLBACK, STUCK_CALLBACK = "/pay/callback", "/pay/stuck"
router = APIRouter()


@router.post(CALLBACK)
async def callback(request: Request) -> Response:
    await request.body()
    return Response(status_code=204)


@router.post("/page")
async def page(request: Request) -> Response:
    return Response(b"page" + await request.body())


@router.get("/large")
async def large() -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(256):
            yield b"x" * 65536

    return StreamingResponse(parts())


@router.post("/stuck")
@router.post(STUCK_CALLBACK)
async def stuck() -> None:
    await asyncio.Event().wait()


def create_app(
    settings: ServiceSettings, sidecar: Sidecar | None = None, dead_letters: DeadLetters | None = None, **more: Any
) -> FastAPI:
    sidecar = sidecar or Sidecar.of(settings)
    return app.build(
        "payment",
        settings,
        routers=[router],
        sidecar=sidecar,
        verifier=TokenVerifier(jwks_by_invocation(sidecar)),
        clock=utc_now,
        callbacks=(CALLBACK, STUCK_CALLBACK),
        dead_letters=dead_letters,
        **more,
    )


if __name__ == "__main__":
    if seconds := os.environ.get("UNREAD_SECONDS"):
        of_settings = serving.bounds_of
        serving.bounds_of = lambda settings: replace(of_settings(settings), unread_seconds=float(seconds))
    serving.serve_app("payment", ServiceSettings.load(), create_app)
