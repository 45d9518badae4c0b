"""Connections to WeChat's API. A purchase sends two messages, so the price of one POST counts: aiohttp without httpx around
it (docs/decisions/0017)."""

from typing import Protocol

import aiohttp
from yarl import URL

from servicekit.telemetry.http_client import trace_configs

CONNECT_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 5.0
"""Shorter than any server's: a connection that closes under a request leaves the outcome of a message unknown."""
SPARE_CONNECTIONS = 8
"""For access tokens: a message that waits for a free connection has not left, but its timeout says that it may have."""
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class NotTaken(Exception):
    """WeChat did not process the request: it says so, or there was no connection."""


class MaybeTaken(Exception):
    """WeChat may have processed the request: no answer, an unreadable one, or a server error."""


class Connection(Protocol):
    async def post(self, path: str, body: bytes, access_token: str | None) -> tuple[int, bytes]:
        """HTTP status and body. Raises NotTaken and MaybeTaken; their text never contains the URL, which holds the access
        token."""

    async def close(self) -> None: ...


class PooledConnection:
    """At most `most` connections, made on the loop of the first request. A request ends within `timeout_seconds`."""

    def __init__(self, base_url: str, *, timeout_seconds: float, most: int) -> None:
        self._base_url, self._most = base_url.rstrip("/"), most
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=min(CONNECT_SECONDS, timeout_seconds))
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[tuple[str, str | None], URL] = {}

    async def post(self, path: str, body: bytes, access_token: str | None) -> tuple[int, bytes]:
        content = aiohttp.BytesPayload(body, content_type="application/json")  # aiohttp need not find out what it is
        try:
            async with self._pool().post(
                self._url(path, access_token), data=content, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except _NEVER_LEFT as error:
            raise NotTaken(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise MaybeTaken(type(error).__name__) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._most + SPARE_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                trust_env=False,
                trace_configs=trace_configs(),
            )
        return self._session

    def _url(self, path: str, access_token: str | None) -> URL:
        if (path, access_token) not in self._urls:
            self._urls.clear()  # a new token: the old ones are of no use
            url = URL(self._base_url + path)
            self._urls[path, access_token] = url.with_query(access_token=access_token) if access_token else url
        return self._urls[path, access_token]
