"""Routes whose responses are the same for every caller, so that the gateway may give one to many for a few seconds."""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

MAX_AGE_SECONDS = 5


class CatalogueRoute(APIRoute):
    """Marks successes as shared, and with the digest of their bytes as their version. An endpoint below may depend on the
    body and the language of a request, and on nothing else of it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_with_version(request: Request) -> Response:
            response = await handle(request)
            digest = hashlib.blake2b(bytes(response.body), digest_size=16).hexdigest()
            response.headers["ETag"] = f'"{digest}"'
            response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
            response.headers["Vary"] = "Accept-Language"
            return response

        return handle_with_version
