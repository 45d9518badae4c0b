"""Detects pooled database connections that the network dropped silently (a fail-over, a NAT timeout) before they are used.

A statement that times out invalidates all idle connections made before it; one that was idle for long, or whose sibling
has just timed out, is pinged before it is used. Busy connections pay no extra round trip.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

TEST_AFTER_SECONDS = 20.0
"""Idle for longer: asked before it is used. Below the shortest idle time-out of common NATs and balancers."""
TEST_SECONDS = 1.0
SLOW_SECONDS = 1.0
"""A statement that was given up after it waited longer than this makes its siblings suspect."""
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 15_000}
"""Where the system has them: the kernel gives a silent peer up after half a minute, unacknowledged data after 15 s."""


class Watch:
    """Listens to one engine. `monotonic` in seconds."""

    def __init__(self, engine: AsyncEngine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._in_use: set[Any] = set()
        self._suspect_since = self._condemned_at = float("-inf")
        for name in ("connect", "checkin", "checkout", "invalidate", "close"):
            event.listen(engine.sync_engine, name, getattr(self, f"_on_{name}"))
        event.listen(engine.sync_engine, "before_cursor_execute", self._on_statement)
        event.listen(engine.sync_engine, "handle_error", self._on_error)

    def _on_connect(self, adapted: Any, record: Any) -> None:
        record.info["made"] = record.info["proven"] = self._now()
        keep_alive(adapted.driver_connection)

    def _on_checkin(self, adapted: Any, record: Any) -> None:
        if adapted is not None:
            self._in_use.discard(adapted.driver_connection)
            record.info["proven"] = self._now()

    def _on_checkout(self, adapted: Any, record: Any, _fairy: Any) -> None:
        self._in_use.add(adapted.driver_connection)
        proven = record.info["proven"]
        lost = adapted.driver_connection.is_closed()
        if not lost and self._now() - proven < TEST_AFTER_SECONDS and proven > self._suspect_since:
            return
        if lost or not adapted.run_async(_answers):
            self._condemn()
            raise InvalidatePoolError  # SQLAlchemy makes a new one in its place, at once
        record.info["proven"] = self._now()

    def _on_invalidate(self, adapted: Any, _record: Any, _error: BaseException | None) -> None:
        self._in_use.discard(adapted.driver_connection)
        adapted.driver_connection.terminate()  # a polite end would wait two seconds for an answer

    def _on_close(self, adapted: Any, record: Any) -> None:
        self._in_use.discard(adapted.driver_connection)
        if record.info.get("made", 0.0) <= self._condemned_at:
            adapted.driver_connection.terminate()

    def _on_statement(self, connection: Any, *_: object) -> None:
        connection.info["began"] = self._now()

    def _on_error(self, context: Any) -> None:
        """TimeoutError is the client's own (`command_timeout`): a server that works ends a statement earlier."""
        error, connection = context.original_exception, context.connection
        if isinstance(error, TimeoutError):
            context.is_disconnect = context.invalidate_pool_on_disconnect = True
            self._condemn()
        elif isinstance(error, asyncio.CancelledError) and connection is not None and not connection.invalidated:
            waited = self._now() - connection.info.get("began", self._now())
            if waited > SLOW_SECONDS:
                self._suspect_since = self._now()

    def terminate_used(self) -> None:
        """Close what is in use when its service ends: it would come back to a pool that is over, and stay open."""
        for raw in self._in_use:
            raw.terminate()

    def on_raw_error(self, error: BaseException) -> None:
        """A transaction on asyncpg's own connection failed: unless the server refused a statement, its siblings are asked
        before they are used."""
        if not str(getattr(error, "sqlstate", "") or "57").startswith("57"):
            return
        if isinstance(error, asyncio.CancelledError):
            self._suspect_since = self._now()
        else:
            self._condemn()

    def _condemn(self) -> None:
        self._suspect_since = self._condemned_at = self._now()


async def _answers(raw: Any) -> bool:
    try:
        async with asyncio.timeout(TEST_SECONDS):
            await raw.fetchval("select 1")
    except Exception:  # noqa: BLE001 - whatever it is: not a connection to hand out
        return False
    return True


def keep_alive(raw: Any) -> None:
    """Let the kernel look after asyncpg connection `raw`; a Unix socket, or a system without an option, goes without."""
    transport = getattr(raw, "_transport", None)
    held = transport.get_extra_info("socket") if transport is not None else None
    if held is None or held.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    with contextlib.closing(held.dup()) as own, contextlib.suppress(OSError):
        own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                own.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
