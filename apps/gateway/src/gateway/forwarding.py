"""Carry one public request to the service that owns it, and its answer back. Bodies are never read or re-encoded.

Only the headers listed here pass, so neither `dapr-…` nor `x-user-…` nor a cookie of the outside world gets in.
"""

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from gateway.routes import PublicRoute, Who
from servicekit import addresses
from servicekit.errors import InvalidInput, Unauthenticated
from servicekit.sidecar import Sidecar
from servicekit.telemetry import current_trace_id

PASSED_IN = frozenset(
    {
        b"accept",
        b"accept-language",
        b"authorization",
        b"content-type",
        b"idempotency-key",
        b"traceparent",
        b"tracestate",
        b"user-agent",
    }
)
MAY_BE_DROPPED = frozenset({b"accept", b"accept-language", b"traceparent", b"tracestate", b"user-agent"})
WECHAT_PREFIX = b"wechatpay-"
PASSED_BACK = (
    "content-type",
    "retry-after",
    "idempotent-replayed",
    "content-language",
    "www-authenticate",
    "cache-control",
    "allow",
)


class Forwarding:
    """The way through the sidecars for every public route."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def carry(self, route: PublicRoute, request: Request) -> Response:
        """The peer's own answer, whatever its status. Raises PeerUnavailable when none was had in bounded time."""
        headers = headers_in(request.scope)
        if address := client_address(request.scope):
            headers["client-address"] = address
        if route.who is Who.SIGNED_IN and "authorization" not in headers:
            raise Unauthenticated("a bearer token is needed")
        # The table's path, never the caller's: daprd decodes and cleans what it is given.
        answer = await self._sidecar.invoke(
            route.app_id, "POST", route.path, content=await request.body(), headers=headers
        )
        return answered(answer)


def headers_in(scope: Scope) -> dict[str, str]:
    """What passes of the caller's headers. Raises InvalidInput for one that matters and is not ASCII."""
    passed: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name not in PASSED_IN and not name.startswith(WECHAT_PREFIX):
            continue
        if value.isascii():
            passed[name.decode()] = value.decode()
        elif name not in MAY_BE_DROPPED:
            raise InvalidInput("must be ASCII", field=name.decode())
    if current_trace_id() not in passed.get("traceparent", ""):
        passed.pop("traceparent", None)  # malformed: the trace that began here goes instead
    return passed


def client_address(scope: Scope) -> str:
    """Where the caller sits on the internet; empty when all we see is a proxy in a network of our own."""
    host, _ = scope.get("client") or ("", 0)
    address = addresses.parsed(host)
    return str(address) if address and address.is_global else ""


def answered(answer: httpx.Response) -> Response:
    response = Response(answer.content, answer.status_code)
    for name in PASSED_BACK:
        if value := answer.headers.get(name):
            response.headers[name] = value
    return response
