"""A service in a process of its own with a sidecar that is played, and clients that behave badly on real sockets."""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import httpx
import psutil

from servicekit.testing import APP_TOKEN
from stack import children
from tests.support.ports import free_port
from tests.support.waiting import eventually


class PlayedSidecar(BaseHTTPRequestHandler):
    """Ready, without subscriptions; every secret is `secrets`, every call to a peer is taken."""

    protocol_version = "HTTP/1.1"
    secrets: ClassVar[Mapping[str, str]] = {}

    def do_GET(self) -> None:
        held = self.secrets if self.path.startswith("/v1.0/secrets/") else {}
        self._send(200, json.dumps(held).encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._send(200, json.dumps({"peer": self.headers["dapr-app-id"]}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Served:
    """`process` listens at `port`; clients that were connected are disconnected at the end."""

    def __init__(self, process: children.Child, port: int) -> None:
        self.process, self.port = process, port
        self.url = f"http://127.0.0.1:{port}"
        self._sockets: list[socket.socket] = []

    def connect(self, sent: bytes = b"", *, receive_buffer: int = 0) -> socket.socket:
        connection = socket.socket()
        self._sockets.append(connection)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(sent)
        return connection

    def memory(self) -> int:
        """Bytes in memory of the process."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def metric(self, name: str) -> float:
        """The sum over all labels that begin so."""
        lines = httpx.get(f"{self.url}/metrics", timeout=10).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def forget(self) -> None:
        for connection in self._sockets:
            connection.close()
        self._sockets.clear()


def closed(connection: socket.socket, within: float) -> bytes:
    """What came until the other side closed; TimeoutError when it did not."""
    connection.settimeout(within)
    came = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while part := connection.recv(65536):
            came += part
    return came


@contextlib.contextmanager
def serving(module: str, *, secrets: Mapping[str, str] | None = None, **settings: object) -> Iterator[Served]:
    """`python -m module` with these variables, and these secrets in its store."""
    played = type("PlayedSidecar", (PlayedSidecar,), {"secrets": secrets or {}})
    sidecar = ThreadingHTTPServer(("127.0.0.1", 0), played)
    threading.Thread(target=sidecar.serve_forever, daemon=True).start()
    port = free_port()
    environment = {
        "APP_PORT": str(port),
        "APP_API_TOKEN": APP_TOKEN,
        "DAPR_HTTP_PORT": str(sidecar.server_port),
        "LOG_LEVEL": "ERROR",
        **{name: str(value) for name, value in settings.items()},
    }
    process = children.start([sys.executable, "-m", module], env=os.environ | environment)
    served = Served(process, port)
    try:
        eventually(lambda: _lives(served), seconds=90, what=f"{module} is up")
        yield served
    finally:
        served.forget()
        children.end(process, signal.SIGKILL)
        sidecar.shutdown()
        sidecar.server_close()


def _lives(served: Served) -> bool:
    assert served.process.poll() is None, "it ended while it started"
    try:
        return httpx.get(f"{served.url}/livez", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
