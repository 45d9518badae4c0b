"""Ports for servers of the tests' own."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """As many TCP ports of 127.0.0.1, all different, that no process listens on at this moment."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    return free_ports(1)[0]
