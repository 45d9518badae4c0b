"""The server side of `wechatsim listen`: while a listener polls, notifications go to it instead of to their URL.

The listener forwards each notification to a program on its own machine and returns the response. So an
unreachable notify_url works without a tunnel.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

Headers = list[tuple[str, str]]
# A listener that has not polled for this long is gone.
_PATIENCE_S = 3.0


class Bridge:
    """Forwards attempts to listeners. Not thread-safe: used on the event loop's thread."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._responses: dict[str, asyncio.Future[tuple[int, bytes]]] = {}
        self._waiting = 0
        self._seen = float("-inf")

    def listening(self) -> bool:
        return self._waiting > 0 or time.monotonic() - self._seen < _PATIENCE_S

    async def forward(self, url: str, headers: Headers, body: bytes) -> tuple[int, bytes]:
        """Forward one attempt and wait for the listener's response; the caller sets the timeout."""
        ticket = secrets.token_hex(8)
        response: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._responses[ticket] = response
        await self._queue.put({"ticket": ticket, "url": url, "headers": headers, "body": body.decode()})
        try:
            return await response
        finally:
            del self._responses[ticket]

    async def next(self, seconds: float) -> dict[str, Any] | None:
        """The next attempt whose caller still waits, or None after `seconds`."""
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                while True:
                    forwarded = await self._queue.get()
                    if forwarded["ticket"] in self._responses:
                        return forwarded
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1
            self._seen = time.monotonic()

    def respond(self, ticket: str, status: int, body: bytes) -> bool:
        """Return the listener's response to the attempt; False when its timeout has passed."""
        self._seen = time.monotonic()
        waiting = self._responses.get(ticket)
        if waiting is None or waiting.done():
            return False
        waiting.set_result((status, body))
        return True
