"""Serves a few hot paths past FastAPI, whose routing, dependencies and exit stacks cost more than a callback's own work."""

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ASGIApp", "Direct", "Message", "NotPlain", "Receive", "Scope", "Send"]


def read_before(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, then whatever comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


class NotPlain(Exception):
    """Raised by an endpoint for a request that FastAPI's route of the same path shall serve; `receive` gives it whole."""

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self.receive = receive


class Path:
    """What logs and metrics read of a route."""

    def __init__(self, path: str) -> None:
        self.path = path


class Direct:
    """Pure ASGI, within the gatekeeper, so that all its bounds hold: a POST to one of the paths goes to its endpoint,
    anything else to `app`, which has routes for the same paths for other methods and for the OpenAPI document."""

    def __init__(self, app: ASGIApp, *, endpoints: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._endpoints: dict[str, tuple[ASGIApp, Any]] = {
            path: (endpoint, Path(path)) for path, endpoint in endpoints.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._endpoints.get(scope.get("path", ""))
        if found is None or scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        endpoint, scope["route"] = found
        try:
            await endpoint(scope, receive, send)
        except NotPlain as request:
            await self._app(scope, request.receive, send)
