"""What happens around every request: its trace, its measure, its bounds, and the doors only the sidecar may open."""

import hmac
import time
from collections.abc import Callable

import structlog
from prometheus_client import Gauge, Histogram
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.errors import Problem, Unauthenticated, Unavailable
from servicekit.telemetry import continue_trace

log = structlog.get_logger()

SIDECAR_ONLY = ("/internal/", "/events/", "/jobs/", "/dapr/")
UNMEASURED = ("/livez", "/readyz", "/metrics")
LATENCY = Histogram(
    "http_request_seconds",
    "Time to answer, by route",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests being served")


class BodyTooLarge(Problem):
    status, code, slug = 413, 100108, "body-too-large"


class Gatekeeper:
    """Pure ASGI, outermost: begins the trace, guards the sidecar's paths by its token (constant time), bounds the body's
    size and the number of requests at once, measures. `/livez`, `/readyz` and `/metrics` are always let through.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        concurrency: int,
        max_body_bytes: int,
        render: Callable[[Request, Problem], JSONResponse],
        sidecar_only: tuple[str, ...] = SIDECAR_ONLY,
    ) -> None:
        self._app, self._token, self._render = app, token.encode(), render
        self._sidecar_only = sidecar_only
        self._free, self._max_body = concurrency, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNMEASURED:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        structlog.contextvars.unbind_contextvars("trace_id")
        trace_id = continue_trace(headers.get("traceparent"))
        if problem := self._refusal(scope, headers):
            await self._render(Request(scope), problem)(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def send_with_trace(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"trace-id", trace_id.encode())]
            await send(message)

        self._free -= 1
        IN_FLIGHT.inc()
        try:
            await self._app(scope, self._bounded(receive), send_with_trace)
        finally:
            self._free += 1
            IN_FLIGHT.dec()
            route = getattr(scope.get("route"), "path", "unrouted")
            LATENCY.labels(scope["method"], route, str(status)).observe(time.perf_counter() - began)

    def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        if scope["path"].startswith(self._sidecar_only) and not hmac.compare_digest(
            headers.get("dapr-api-token", "").encode(), self._token
        ):
            return Unauthenticated("only this service's own sidecar may call this path")
        declared = headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > self._max_body:
            return BodyTooLarge(f"at most {self._max_body} bytes")
        if self._free <= 0:
            return Unavailable("at capacity", retry_after=1)
        return None

    def _bounded(self, receive: Receive) -> Receive:
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_body:
                raise BodyTooLarge(f"at most {self._max_body} bytes")
            return message

        return bounded
