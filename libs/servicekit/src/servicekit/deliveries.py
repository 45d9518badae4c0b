"""Accepts events and jobs only from this app's own subscriptions and cron bindings, never from another app's call.

A call through the sidecars brings the same app token as a delivery does, and its caller can have the headers that tell the
two apart dropped (docs/decisions/0011). So the routes of subscriptions and bindings begin with `/delivered/<token>`, where
the token is known to this app and its own sidecar alone. In a cluster, where identities keep others out, there is none.
"""

import hmac
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from servicekit.callers import CALLER
from servicekit.errors import Forbidden, Problem

log = structlog.get_logger()
DELIVERED = "/delivered/"
DELIVERIES = ("/events/", "/jobs/")
SIDECARS_OWN = ("/dapr/",)
OF_CALLS = (CALLER, "dapr-callee-app-id", "dapr-caller-namespace")
"""What the sidecars add to an app's call, and to nothing else."""
_PROVEN = "servicekit.delivered"


class Unwrapping:
    """Pure ASGI, outermost: `/delivered/<token>/events/x` becomes `/events/x` with the proof noted, for all behind it."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(DELIVERED):
            given, _, rest = scope["path"].removeprefix(DELIVERED).partition("/")
            path = f"/{rest}"
            if self._token and hmac.compare_digest(given.encode(), self._token) and path.startswith(DELIVERIES):
                scope = {**scope, "path": path, "raw_path": path.encode(), _PROVEN: True}
        await self._app(scope, receive, send)


class OwnDeliveries:
    """Pure ASGI, within the gatekeeper: refuses deliveries without the proof, and whatever is marked as a call.

    403 and never 404, which a sidecar takes for "drop": with a token that does not match, events wait. Does nothing where
    `sidecar_only` is empty.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        render: Callable[[Request, Problem], JSONResponse],
        sidecar_only: tuple[str, ...],
    ) -> None:
        self._app, self._render, self._needs_proof = app, render, bool(token)
        self._has_such_paths = bool(sidecar_only)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._has_such_paths and self._is_foreign(scope):
            log.warning("refused: no delivery of this app's own sidecar", path=scope["path"].split("/")[1])
            problem = Forbidden("only this app's own subscriptions and bindings come here")
            await self._render(Request(scope), problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        path = scope["path"]
        if scope.get(_PROVEN):  # whatever its headers: a message's own become headers too
            return False
        if path.startswith(DELIVERED) or (self._needs_proof and path.startswith(DELIVERIES)):
            return True
        return path.startswith(DELIVERIES + SIDECARS_OWN) and any(name in Headers(scope=scope) for name in OF_CALLS)
