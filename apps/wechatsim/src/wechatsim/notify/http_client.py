"""A small HTTP/1.1 client for notifications: h11 over asyncio streams, connections kept and reused.

httpx's pool costs milliseconds per request once dozens are under way; a load run would then measure the
sandbox, not the partner. No redirects, no proxies, no cookies: WeChat follows none either.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import h11

Headers = list[tuple[str, str]]
_KEEP = 64
_READ = 65536
_BODY_LIMIT = 65536


class OutboundError(Exception):
    """No answer came: the connection failed, or what came is not HTTP."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.http = h11.Connection(h11.CLIENT)

    async def send(self, event: h11.Event) -> None:
        data = self.http.send(event)
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def receive(self) -> h11.Event:
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                self.http.receive_data(await self.reader.read(_READ))
            elif isinstance(event, h11.Event):
                return event
            else:
                raise OutboundError("the connection stopped in the middle of an answer")


class Outbound:
    """POST over pooled connections. Not for more than one event loop."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int], list[_Connection]] = defaultdict(list)

    async def post(self, url: str, headers: Headers, body: bytes | AsyncIterator[bytes]) -> tuple[int, bytes]:
        """(status, up to 64 KiB of the body). Header names go out in the case given; Host is added.

        Raises OutboundError or OSError when no whole answer came.
        """
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        key = (parts.scheme, host, parts.port or (443 if secure else 80))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = h11.Request(method="POST", target=target, headers=[("Host", parts.netloc), *headers])
        connection = self._reusable(key)
        if connection is not None and isinstance(body, bytes):
            # The other side may have closed it just now; a fresh connection then decides.
            with suppress(OSError, h11.RemoteProtocolError, OutboundError):
                return await self._exchange(connection, key, request, body)
        fresh = await asyncio.open_connection(key[1], key[2], ssl=ssl.create_default_context() if secure else None)
        try:
            return await self._exchange(_Connection(*fresh), key, request, body)
        except h11.RemoteProtocolError as error:
            raise OutboundError(f"not an HTTP answer: {error}") from error

    def _reusable(self, key: tuple[str, str, int]) -> _Connection | None:
        while self._idle[key]:
            connection = self._idle[key].pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.writer.close()
        return None

    async def _exchange(
        self,
        connection: _Connection,
        key: tuple[str, str, int],
        request: h11.Request,
        body: bytes | AsyncIterator[bytes],
    ) -> tuple[int, bytes]:
        kept = False
        try:
            await connection.send(request)
            if isinstance(body, bytes):
                await connection.send(h11.Data(data=body))
            else:
                async for chunk in body:
                    await connection.send(h11.Data(data=chunk))
            await connection.send(h11.EndOfMessage())
            answer = await self._read(connection)
            if connection.http.our_state is h11.DONE and connection.http.their_state is h11.DONE:
                connection.http.start_next_cycle()
                if len(self._idle[key]) < _KEEP:
                    self._idle[key].append(connection)
                    kept = True
            return answer
        finally:
            if not kept:
                connection.writer.close()

    @staticmethod
    async def _read(connection: _Connection) -> tuple[int, bytes]:
        status, body = 0, b""
        while True:
            event = await connection.receive()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body = (body + bytes(event.data))[:_BODY_LIMIT]
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif isinstance(event, h11.ConnectionClosed):
                raise OutboundError("the connection was closed without an answer")

    def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.writer.close()
        self._idle.clear()
