"""The public API's edge: one literal route for each entry of the table."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.forwarding import Forwarding
from gateway.routes import PUBLIC, PublicRoute


def router(forwarding: Forwarding) -> APIRouter:
    api = APIRouter(redirect_slashes=False)
    for route in PUBLIC:
        api.add_route(route.path, _endpoint(forwarding, route), methods=["POST"], include_in_schema=False)
    return api


def _endpoint(forwarding: Forwarding, route: PublicRoute) -> Callable[[Request], Awaitable[Response]]:
    async def forward(request: Request) -> Response:
        request.scope["route"] = route  # names the route in the metrics, as FastAPI's own routes do
        return await forwarding.carry(route, request)

    return forward
