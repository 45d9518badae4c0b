"""POST over aiohttp's connection pool, the headers as given. No redirects, proxies or cookies: WeChat follows none either.

aiohttp rather than httpx, whose pool costs milliseconds per request once dozens are under way: a load run would then
measure the sandbox instead of the merchant's service.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace, TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from wechatsim.wire import Headers

_BODY_LIMIT = 65536
_ADDED_BY_AIOHTTP = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class HttpClient:
    """Use as an async context manager. The caller bounds the time of each request."""

    async def __aenter__(self) -> Self:
        trace = aiohttp.TraceConfig()
        trace.on_connection_reuseconn.append(_mark_reused)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=_ADDED_BY_AIOHTTP,
            auto_decompress=False,
            trace_configs=[trace],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, url: str, headers: Headers, body: bytes, *, pause: float = 0.0) -> tuple[int, bytes]:
        """(status, up to 64 KiB of the response body). `pause` seconds lie between the halves of the request body.

        Raises aiohttp.ClientError, or OSError when no connection was made.
        """
        connection = SimpleNamespace(reused=False)
        while True:
            try:
                return await self._post(url, headers, _halves(body, pause) if pause else body, connection)
            except aiohttp.ClientConnectorError as error:
                raise error.os_error from error
            except aiohttp.ClientError:
                # The other side may have closed a kept connection just now; a fresh one then decides.
                if not connection.reused:
                    raise
                connection.reused = False

    async def _post(
        self, url: str, headers: Headers, data: bytes | AsyncIterator[bytes], connection: SimpleNamespace
    ) -> tuple[int, bytes]:
        async with self._session.post(
            URL(url, encoded=True),
            headers=[("Host", urlsplit(url).netloc), *headers],
            data=data,
            allow_redirects=False,
            trace_request_ctx=connection,
        ) as response:
            kept = b""
            async for chunk in response.content.iter_any():
                kept = (kept + chunk)[:_BODY_LIMIT]
            return response.status, kept


async def _mark_reused(_session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: Any) -> None:
    context.trace_request_ctx.reused = True


async def _halves(body: bytes, pause: float) -> AsyncIterator[bytes]:
    half = len(body) // 2
    yield body[:half]
    await asyncio.sleep(pause)
    yield body[half:]
