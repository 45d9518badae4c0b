"""Checks before the start that every port is free, and names the process that holds one that is not."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping

import psutil

from stack.errors import StackError


def free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens there, when the system lets us see it."""
    try:
        found = [
            one.pid for one in psutil.net_connections(kind="tcp") if one.laddr and one.laddr.port == port and one.pid
        ]
        process = psutil.Process(found[0]) if found else None
        return (
            f"pid {process.pid} ({' '.join(process.cmdline())[:80] or process.name()})"
            if process
            else "another process"
        )
    except psutil.Error:
        return "another process"


def require_free(wanted: Mapping[str, Iterable[tuple[str, int]]]) -> None:
    """`wanted`: part → its (purpose, port) pairs."""
    taken = [
        f"  port {port} for {part}{f' ({purpose})' if purpose else ''} is held by {holder(port)}"
        for part, pairs in wanted.items()
        for purpose, port in pairs
        if not free(port)
    ]
    if taken:
        raise StackError(
            "\n".join(["these ports are taken:", *taken, "choose others: PORT_OFFSET=100 (all), or PORT_KAFKA=… (one)"])
        )
