"""The composition root: `create_app` wires one sandbox into one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wechatsim import wire
from wechatsim.clock import Clock
from wechatsim.control import routes as control
from wechatsim.mini import routes as mini
from wechatsim.pay import cashier, refund_endings
from wechatsim.pay import routes as pay
from wechatsim.sim import Settings, Sim


async def _refused(request: Request, error: Exception) -> Response:
    """Unknown paths and wrong methods: an empty body at v3 paths, an errcode at mini-program paths, JSON at /_sim."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.METHOD_NOT_ALLOWED and request.url.path in mini.METHODS:
        return mini.wrong_method(request)
    if request.url.path.startswith("/_sim"):
        phrase = HTTPStatus(status).phrase
        return JSONResponse({"error": phrase.lower().replace(" ", "_"), "message": phrase}, status_code=status)
    return wire.empty(status)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    sim: Sim = app.state.sim
    engines = [asyncio.create_task(sim.notifier.run()), asyncio.create_task(refund_endings.run(sim))]
    try:
        yield
    finally:
        for engine in engines:
            engine.cancel()
        for engine in engines:
            with suppress(asyncio.CancelledError):
                await engine
        sim.store.close()


def create_app(settings: Settings, clock: Clock | None = None) -> Starlette:
    """The sandbox as an ASGI application; its lifespan runs the notifier and the refund loop. `clock` is a test's own.
    Raises KeyringError."""
    app = Starlette(
        routes=[
            *mini.ROUTES,
            *pay.ROUTES,
            *control.ROUTES,
            *cashier.ROUTES,
        ],
        exception_handlers={HTTPStatus.NOT_FOUND: _refused, HTTPStatus.METHOD_NOT_ALLOWED: _refused},
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False
    app.state.sim = Sim(settings, clock)
    return app
