"""The public API's edge: one route that finds a path of the table by its exact text.

A route for each entry would be a regular expression for each, tried one after the other for every request.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gateway.forwarding import Forwarding
from gateway.routes import PUBLIC, PublicRoute

_BY_PATH: Mapping[str, PublicRoute] = {route.path: route for route in PUBLIC}


class PublicApi(BaseRoute):
    def __init__(self, forwarding: Forwarding) -> None:
        self._forwarding = forwarding

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The entry of the table becomes the scope's `route`, which names it in the metrics."""
        route = _BY_PATH.get(scope["path"]) if scope["type"] == "http" else None
        return (Match.FULL, {"public_route": route}) if route else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises a 405 for everything but POST."""
        route: PublicRoute = scope["public_route"]
        scope["route"] = route
        if scope["method"] != "POST":
            raise HTTPException(405, headers={"Allow": "POST"})
        response = await self._forwarding.carry(route, Request(scope, receive))
        await response(scope, receive, send)
