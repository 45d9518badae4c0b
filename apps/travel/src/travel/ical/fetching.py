"""Fetches a foreign calendar: a few redirects, so many bytes and so many seconds at most, from where the guard lets it."""

import asyncio
import ssl
from dataclasses import dataclass

import aiohttp
from yarl import URL

from travel.ical.faults import CalendarFailed, Fault
from travel.ical.guard import Guard, UrlRefused

MOST_REDIRECTS = 3
MOST_BYTES = 1_000_000
CHUNK = 64 * 1024
LONGEST_ETAG = 200
GONE = frozenset({401, 403, 404, 410})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Not compressed: a small answer could become a large one, and there is no need.
HEADERS = {"Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "Minsu-Calendar/1.0"}


@dataclass(frozen=True)
class Fetched:
    """`content` None: unchanged since the version `etag`, which the caller named."""

    content: bytes | None
    etag: str | None


@dataclass(kw_only=True, eq=False)
class Fetcher:
    """One connection for each request, so that each goes past the guard."""

    guard: Guard
    seconds: float = 10.0
    tls: ssl.SSLContext | bool = True

    async def fetch(self, url: str, etag: str | None) -> Fetched:
        """The calendar at `url`, or that it is still the version `etag`. Raises CalendarFailed."""
        try:
            async with asyncio.timeout(self.seconds), self._session() as session:
                return await self._follow(session, self.guard.url(url), etag)
        except TimeoutError as error:
            raise CalendarFailed(Fault.TOO_SLOW, f"more than {self.seconds} s") from error
        except UrlRefused as error:
            raise CalendarFailed(Fault.REFUSED, str(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Its text may have the URL, which is a secret of the host.
            raise CalendarFailed(Fault.UNREACHABLE, type(error).__name__) from error

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=self.tls,
                socket_factory=self.guard.socket,
                happy_eyeballs_delay=None,  # one address after the other: what the guard raises ends it
                use_dns_cache=False,
                force_close=True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def _follow(self, session: aiohttp.ClientSession, url: URL, etag: str | None) -> Fetched:
        headers = HEADERS | ({"If-None-Match": etag} if etag else {})
        for _ in range(1 + MOST_REDIRECTS):
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in REDIRECTS:
                    return await _read(response, etag)
                url = self.guard.url(str(url.join(URL(response.headers.get("Location", "")))))
        raise CalendarFailed(Fault.REFUSED, f"more than {MOST_REDIRECTS} redirects")


async def _read(response: aiohttp.ClientResponse, etag: str | None) -> Fetched:
    if response.status == 304 and etag:
        return Fetched(None, etag)
    if response.status != 200:
        fault = Fault.GONE if response.status in GONE else Fault.UNREACHABLE
        raise CalendarFailed(fault, f"status {response.status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise CalendarFailed(Fault.UNREADABLE, "compressed, though that was not asked for")
    content = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        content += chunk
        if len(content) > MOST_BYTES:
            raise CalendarFailed(Fault.TOO_LARGE, f"more than {MOST_BYTES} bytes")
    version = response.headers.get("ETag", "")
    is_kept = 0 < len(version) <= LONGEST_ETAG and version.isascii() and version.isprintable()
    return Fetched(bytes(content), version if is_kept else None)
