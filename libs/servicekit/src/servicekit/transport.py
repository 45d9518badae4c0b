"""httpx on aiohttp's connections, for the calls that every request makes and for large downloads.

httpx's own pool looks through all connections for every request, twice: docs/decisions/0015 has what that costs.
Redirects, retries and cookies stay off, as in httpx's transport.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping

import aiohttp
import httpx
from yarl import URL

from servicekit.telemetry.http_client import trace_configs


class PooledTransport(httpx.AsyncBaseTransport):
    """One pool, made on the loop of the first request. Raises httpx's own errors, also while a body is read.

    Bodies of responses are streamed: `client.stream(…)` holds one chunk at a time, other calls read the whole.
    """

    def __init__(self, *, max_connections: int) -> None:
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def exchange(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], limits: httpx.Timeout
    ) -> httpx.Response:
        """One small call, its body read whole, without httpx's client and request: they cost more than the call itself.
        `url` is sent as it is. Raises httpx.TransportError."""
        with _httpx_errors(None):
            async with self._opened().request(
                method,
                URL(url, encoded=True),
                data=body or None,
                headers=headers,
                skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(connect=limits.pool, sock_connect=limits.connect, sock_read=limits.read),
            ) as answer:
                content = await answer.read()
        return httpx.Response(answer.status, headers=list(answer.raw_headers), content=content)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                trace_configs=trace_configs(),
            )
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        with _httpx_errors(request):
            answer = await self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),  # as it is: the caller may have signed it
                data=await request.aread() or None,
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                skip_auto_headers=("Content-Type", "User-Agent"),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=limits.get("pool"), sock_connect=limits.get("connect"), sock_read=limits.get("read")
                ),
            )
        return httpx.Response(
            answer.status, headers=list(answer.raw_headers), stream=_Body(answer, request), request=request
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    """The body as it comes. Left half read, its connection is closed and its place in the pool is free."""

    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer, self._request = answer, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors(self._request):
            async for chunk in self._answer.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        self._answer.release()
        await self._answer.wait_for_close()


@contextlib.contextmanager
def _httpx_errors(request: httpx.Request | None) -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error), request=request) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except aiohttp.ClientError as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
