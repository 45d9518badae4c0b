"""uvicorn's protocol with a limit on everything: the length of a head, the time until a request is whole, an idle or unread
connection. uvicorn reads heads of any length and waits for ever, and httptools keeps every byte of them.
"""

import math
import time
from asyncio import AbstractEventLoop, BaseTransport, Transport
from typing import Any, ClassVar, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from servicekit.crowd import CUT, Crowd

AROUND_A_BODY = 8
"""Bytes on the wire for each byte of a body: chunks of one byte need six. More is trailers and chunk extensions."""


class _TooMuch(Exception):
    """Ends the parser in the middle of a head."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Made by `protocol_of`, which gives it its crowd."""

    crowd: ClassVar[Crowd]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._peer = ""
        self._whole_by = self._read_by = math.inf
        self._in_head = self._in_body = False
        self._refused_with = 0
        self._part = self._part_body = self._part_earlier = 0
        self._head = self._wire = self._body = self._extended = 0

    @property
    def deadline(self) -> float:
        return min(self._whole_by, self._read_by)

    # -- the connection

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Transport", transport))
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        self._wait(self.crowd.bounds.arrive_seconds)
        if not self.crowd.enter(self, self._peer):
            self._peer = ""  # it was never counted
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self, self._peer)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """What is half-sent when the server stops is not waited for."""
        if self.crowd.is_served(self):
            super().shutdown()
        else:
            self.transport.close()

    # -- what comes in

    def data_received(self, data: bytes) -> None:
        if self._refused_with:
            return
        self._part, self._part_body, self._part_earlier = len(data), 0, 0
        super().data_received(data)
        if self._in_head:
            self._head += len(data) - self._part_earlier
            if status := self._excess(self._head):
                self._refuse(status)
        elif self._in_body:
            self._wire += len(data) - self._part_earlier
            if self._wire > self._body * AROUND_A_BODY + self.crowd.bounds.head_bytes:
                self._refuse(400)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._in_body = True, False
        self._head = self._wire = self._body = 0
        self._part_earlier = self._part_body  # the end of a body that was refused before it was here, mostly
        if not self.crowd.is_served(self):
            self._wait(self.crowd.bounds.arrive_seconds)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if status := self._excess(self._head + self._part - self._part_earlier):
            self._refused_with = status
            raise _TooMuch
        self._in_body = True
        self._extended = self.crowd.bounds.uploads.get(self.url, 0)
        if not self.crowd.is_served(self):
            self._wait(self.crowd.bounds.arrive_seconds)
        super().on_headers_complete()
        self.headers = []  # for trailers: they would be taken for headers of the request

    def _excess(self, received: int) -> int:
        """The status for a head that is too large, of which no more than `received` bytes are here; else 0."""
        bounds = self.crowd.bounds
        if len(self.url) > bounds.line_bytes:
            return 414
        if len(self.headers) > bounds.headers:
            return 431
        if received <= bounds.head_bytes:
            return 0
        exact = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        return 431 if self._in_head or exact > bounds.head_bytes else 0

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        self._part_body += len(body)
        if self._body <= self._extended:  # each part that has come buys the time for another at this pace
            self._whole_by += len(body) / self.crowd.bounds.upload_bytes_per_second
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            self._wait(self.crowd.bounds.idle_seconds)  # it was refused before all of it was here
        else:
            self._whole_by = math.inf
            self.crowd.serves(self)

    # -- what goes out

    def on_response_complete(self) -> None:
        another = bool(self.pipeline)
        super().on_response_complete()
        if self._in_head or self._in_body:  # of the next request, or of this one when it was refused early
            self._wait(self.crowd.bounds.arrive_seconds)
            self.crowd.waits(self)
        elif not another:
            self._wait(self.crowd.bounds.idle_seconds)
            self.crowd.waits(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_by = time.monotonic() + self.crowd.bounds.unread_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_by = math.inf

    # -- the end

    def expire(self) -> None:
        """The deadline is over: 408 to who has begun to speak and was not answered yet, silence to all others."""
        if self._refused_with or self.flow.write_paused or not (self._in_head or self._in_body):
            self.transport.abort()
        else:
            self._refuse(408)

    def cut(self, reason: str) -> None:
        CUT.labels(reason).inc()
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        if self._refused_with:
            self._refuse(self._refused_with)
        else:
            self._refused_with, self._in_head, self._in_body = 400, False, False
            super().send_400_response(msg)

    def _wait(self, seconds: float) -> None:
        self._whole_by = time.monotonic() + seconds

    def _refuse(self, status: int) -> None:
        half_answered = self._in_body and self.cycle is not None and self.cycle.response_started
        self._refused_with, self._in_head, self._in_body = status, False, False
        CUT.labels(f"status_{status}").inc()
        if self.crowd.is_served(self) or half_answered:
            self.transport.abort()  # bytes of another answer are on their way
            return
        line = STATUS_LINE[status]
        text = line.removeprefix(b"HTTP/1.1 ").strip()
        head = b"content-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(text)
        self.transport.write(line + head + text)
        self.transport.close()
        self._wait(1.0)  # and no longer for who does not read even that


def protocol_of(crowd: Crowd) -> type[BoundedProtocol]:
    """The class that uvicorn makes an instance of for every connection to one server."""
    return type("BoundedProtocol", (BoundedProtocol,), {"crowd": crowd})
