"""Middleware of every request: trace, metrics, limits, and the paths that only the sidecar may call."""

import functools
import hmac
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog
from prometheus_client import Histogram
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import addresses
from servicekit.admission import Admission, Lane, Visit
from servicekit.direct import read_before
from servicekit.errors import Problem, Unauthenticated
from servicekit.problems import UNROUTED, route_of
from servicekit.telemetry import traces

log = structlog.get_logger()

SIDECAR_ONLY = ("/internal/", "/events/", "/jobs/", "/dapr/")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
UNMEASURED = ("/livez", "/readyz", "/metrics")
DURATION = Histogram(
    "http_server_request_duration_seconds",
    "Time from the whole request to the end of its response",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
Limit = Callable[[Scope], Problem | None]
_READ = frozenset({b"traceparent", b"tracestate", b"dapr-api-token", b"content-length", b"authorization"})
_ONCE = frozenset({b"authorization", b"idempotency-key", b"content-type"})
"""Where two differ, one part of us would go by the first and another by the last."""
_REPEATED = b""


class NotTheSidecar(Unauthenticated):
    security_kind = "forbidden"


class RepeatedHeader(Problem):
    status, code, slug = 400, 100120, "repeated-header"


def method_of(scope: Scope) -> str:
    """`_OTHER` for all that is none of HTTP's own, by the conventions: a stranger's words would each be a series."""
    method: str = scope["method"]
    return method if method in METHODS else "_OTHER"


@functools.lru_cache(maxsize=1024)
def duration_of(method: str, route: str, status: int) -> Histogram:
    """The series of these labels, at 0 from now on. One look-up by label costs more than the observation."""
    return DURATION.labels(method, route, str(status))


class Gatekeeper:
    """Pure ASGI, outermost: begins the trace, guards the sidecar's paths by its token (constant time), waits for the whole
    body and for a place, measures. `/livez`, `/readyz` and `/metrics` are always let through. `identify` gets an
    Authorization header and raises the problem with it; `limit` returns the problem with one more request of this client.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        admission: Admission,
        identify: Callable[[str], Awaitable[object]],
        render: Callable[[Request, Problem], JSONResponse],
        sidecar_only: tuple[str, ...] = SIDECAR_ONLY,
        limit: Limit | None = None,
    ) -> None:
        self._limit = limit
        self._app, self._token, self._render = app, token.encode(), render
        self._sidecar_only = sidecar_only
        self._admission, self._identify = admission, identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNMEASURED:
            await self._app(scope, receive, send)
            return
        headers = _read(scope["headers"])
        is_sidecar = hmac.compare_digest(headers.get(b"dapr-api-token", b""), self._token)
        scope[addresses.BY_SIDECAR] = is_sidecar
        span = _span(scope, headers, is_sidecar=is_sidecar)
        answer = _Answer(send)
        try:
            await self._admit(scope, receive, answer, headers, is_sidecar=is_sidecar)
        except BaseException as error:
            _end(span, scope, answer.status or 500, type(error).__qualname__)
            raise
        failed = answer.status >= 500 and not answer.is_refusal
        _end(span, scope, answer.status, str(answer.status) if failed else "")

    async def _admit(
        self, scope: Scope, receive: Receive, send: "_Answer", headers: Mapping[bytes, bytes], *, is_sidecar: bool
    ) -> None:
        lane = self._admission.lane(scope["path"])
        if problem := self._refusal(scope, headers, lane, is_sidecar=is_sidecar):
            await self._refuse(problem, scope, receive, send)
            return
        visit = Visit(self._admission, lane)
        try:
            try:
                if lane.signed_in:
                    await self._identify(headers.get(b"authorization", b"").decode("latin-1"))
                body = await visit.whole(receive)
                if body is None:
                    return  # the client has gone
                visit.take_place()
            except Problem as problem:
                await self._refuse(problem, scope, receive, send)
                return
            await self._serve(scope, read_before(body, receive), send)
        finally:
            visit.leave()

    async def _serve(self, scope: Scope, receive: Receive, send: "_Answer") -> None:
        began = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            duration_of(method_of(scope), route_of(scope), send.status or 500).observe(time.perf_counter() - began)

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: "_Answer") -> None:
        """Counted with no duration. No route is found for it yet: a lane of exact paths tells what it was for. Its span is
        no failure, whatever the status: those are always exported, and a flood would drive out the ones worth keeping."""
        send.is_refusal = True
        path = scope["path"]
        await self._render(Request(scope), problem)(scope, receive, send)
        route = path if path in self._admission.lane(path).paths else UNROUTED
        duration_of(method_of(scope), route, problem.status).observe(0.0)

    def _refusal(self, scope: Scope, headers: Mapping[bytes, bytes], lane: Lane, *, is_sidecar: bool) -> Problem | None:
        if scope["path"].startswith(self._sidecar_only) and not is_sidecar:
            return NotTheSidecar("only this service's own sidecar may call this path")
        if self._limit and (refusal := self._limit(scope)):
            return refusal
        if repeated := headers.get(_REPEATED, b"").decode():
            return RepeatedHeader(f"more than one {repeated}", field=repeated)
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > lane.max_body:
            return lane.too_large()
        return None


class _Answer:
    """The way back of one request: notes the status (0 until there is one) and adds the trace's id. `is_refusal`: it was
    refused before it was looked at."""

    __slots__ = ("_send", "_trace_id", "is_refusal", "status")

    def __init__(self, send: Send) -> None:
        self._send, self._trace_id, self.status = send, traces.current_id().encode(), 0
        self.is_refusal = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"trace-id", self._trace_id)]
        await self._send(message)


def _span(scope: Scope, headers: Mapping[bytes, bytes], *, is_sidecar: bool) -> traces.Span:
    """The request's span, current from here on. Only the own sidecar's context is continued: a stranger's would decide what
    is recorded here, and is linked to."""
    sent = traces.parsed(
        headers.get(b"traceparent", b"").decode("latin-1"), headers.get(b"tracestate", b"").decode("latin-1")
    )
    span = traces.begin(
        method_of(scope),
        sent if is_sidecar else traces.NO_CONTEXT,
        kind=traces.SpanKind.SERVER,
        links=() if is_sidecar else (sent,),
    )
    traces.enter(span)
    return span


def _end(span: traces.Span, scope: Scope, status: int, failure: str) -> None:
    """By the conventions for HTTP servers; never the path, the query or a header, which may hold a secret. `status` is 0
    for a client that has gone, `failure` empty where there is none."""
    if span.is_recording():
        method, route = method_of(scope), route_of(scope)
        span.update_name(f"{'HTTP' if method == '_OTHER' else method} {route}")
        span.set_attributes(
            {"http.request.method": method, "http.route": route, "url.scheme": scope.get("scheme", "http")}
            | ({"http.response.status_code": status} if status else {})
        )
        if failure:
            traces.fail(span, failure)
    span.end()


def _read(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The first value of each header that is read here; under _REPEATED the name of one that is there twice and must not.
    ASGI gives names in lower case."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ or name in _ONCE:
            if name not in found:
                found[name] = value
            elif name in _ONCE:
                found[_REPEATED] = name
    return found
