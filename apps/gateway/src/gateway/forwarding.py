"""Carry one public request to the service that owns it, and its answer back. Bodies are never read or re-encoded.

Only the headers listed here pass, so neither `dapr-…` nor `x-user-…` nor a cookie of the outside world gets in.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from gateway.answers import Answer
from gateway.catalogue_cache import CatalogueCache, Key
from gateway.routes import PublicRoute, Who
from servicekit import addresses
from servicekit.errors import InvalidInput, Unauthenticated
from servicekit.messages import preferred_language
from servicekit.sidecar import Sidecar

PASSED_IN = frozenset(
    {
        b"accept",
        b"accept-language",
        b"authorization",
        b"content-type",
        b"idempotency-key",
        b"user-agent",
    }
)
MAY_BE_DROPPED = frozenset({b"accept", b"accept-language", b"user-agent"})
WECHAT_PREFIX = b"wechatpay-"


class Forwarding:
    """The way through the sidecars for every public route."""

    def __init__(self, sidecar: Sidecar, cache: CatalogueCache) -> None:
        self._sidecar, self._cache = sidecar, cache

    async def carry(self, route: PublicRoute, request: Request) -> Response:
        """The peer's own answer, whatever its status. Raises PeerUnavailable when none was had in bounded time."""
        if route.is_catalogue:
            return await self._read(route, request)
        headers = headers_in(request.scope)
        if address := client_address(request.scope):
            headers["client-address"] = address
        if route.who is Who.SIGNED_IN and "authorization" not in headers:
            raise Unauthenticated("a bearer token is needed")
        return (await self._ask(route, await request.body(), headers)).response()

    async def _read(self, route: PublicRoute, request: Request) -> Response:
        """The service is told what is in the key and no more: every client gets the same answer, with whatever token."""
        language = preferred_language(request.headers.get("accept-language", ""))
        key = Key(route.path, await request.body(), request.headers.get("content-type", ""), language)
        headers = {"accept-language": language}
        if key.content_type.isascii() and key.content_type:
            headers["content-type"] = key.content_type
        answer, age = await self._cache.get(key, lambda: self._ask(route, key.body, headers))
        return answer.conditional(request.headers.get("if-none-match", ""), age)

    async def _ask(self, route: PublicRoute, body: bytes, headers: Mapping[str, str]) -> Answer:
        # The table's path, never the caller's: daprd decodes and cleans what it is given.
        return Answer.of(await self._sidecar.invoke(route.app_id, "POST", route.path, content=body, headers=headers))


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
    return passed


def client_address(scope: Scope) -> str:
    """Where the caller sits on the internet; empty when all we see is a proxy in a network of our own."""
    host, _ = scope.get("client") or ("", 0)
    address = addresses.parsed(host)
    return str(address) if address and address.is_global else ""
