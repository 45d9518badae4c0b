"""A platform's calendars on a real socket of this machine: what it gives by path, and who asked for what."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class CalendarServer:
    """`gives`: by path, what its GET gets; anything else is a 404. `asked`: the paths, in order; `versions`: what was sent
    as If-None-Match, empty where nothing was. `connections`: how many were opened, also without a request."""

    port: int = 0
    scheme: str = "http"
    gives: dict[str, bytes | Handler] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.versions.append(request.headers.get("If-None-Match", ""))
        given = self.gives.get(request.path)
        if given is None:
            raise web.HTTPNotFound
        return web.Response(body=given) if isinstance(given, bytes) else await given(request)


@contextlib.asynccontextmanager
async def calendar_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[CalendarServer]:
    given = CalendarServer(scheme="https" if tls else "http")
    web_server = web.Server(given.answer)

    def connected() -> asyncio.BaseProtocol:
        given.connections += 1
        return web_server()

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0, ssl=tls)
    given.port = server.sockets[0].getsockname()[1]
    try:
        yield given
    finally:
        server.close()
        await web_server.shutdown(1.0)
        await server.wait_closed()


def redirect(to: str, status: int = 302) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": to})

    return answer


def calendar(*stays: tuple[str, str]) -> bytes:
    """Events from one date to another, written `20261205`."""
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{start}\r\nDTSTART;VALUE=DATE:{start}\r\nDTEND;VALUE=DATE:{end}\r\nEND:VEVENT\r\n"
        for start, end in stays
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//\r\n{events}END:VCALENDAR\r\n".encode()
