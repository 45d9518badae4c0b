"""The load client: a process of its own that sends requests rendered beforehand, over keep-alive connections.

`python -m tests.bench.load FILE HOST PORT CONNECTIONS [RATE]` reads requests (4-byte length, bytes), prints one JSON line.
Without RATE each connection sends its next request when the last is answered; with it, requests leave at that rate.
"""

import asyncio
import json
import re
import resource
import struct
import sys
import time
from collections import Counter, deque
from pathlib import Path

import uvloop

STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def read_requests(file: Path) -> deque[bytes]:
    whole, requests, at = file.read_bytes(), deque[bytes](), 0
    while at < len(whole):
        (length,) = struct.unpack_from("!I", whole, at)
        requests.append(whole[at + 4 : at + 4 + length])
        at += 4 + length
    return requests


def write_requests(file: Path, requests: list[bytes]) -> None:
    file.write_bytes(b"".join(struct.pack("!I", len(each)) + each for each in requests))


class Connection(asyncio.Protocol):
    """One request at a time; answers with a body need a content-length."""

    def __init__(self, requests: deque[bytes], latencies: list[float], statuses: Counter[str], rate: float) -> None:
        self._requests, self._latencies, self._statuses = requests, latencies, statuses
        self._pause, self._buffer, self._sent_at = 1 / rate if rate else 0.0, b"", 0.0
        self._due = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._due = time.perf_counter()
        self._next()

    def _next(self) -> None:
        if not self._requests:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._due += self._pause
        wait = self._due - time.perf_counter() if self._pause else 0.0
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def _send(self) -> None:
        if not self._requests:
            self._next()
            return
        request = self._requests.popleft()
        # With a rate, the time counts from when it was to leave: what waits behind a slow answer is late too.
        self._sent_at = self._due if self._pause else time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[: end + 2]
        length = LENGTH.search(head)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < whole:
            return
        status = STATUS.match(head)
        self._statuses[status[1].decode() if status else "?"] += 1
        self._latencies.append(time.perf_counter() - self._sent_at)
        self._buffer = self._buffer[whole:]
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self._statuses["connection lost"] += 1
            self.done.set_result(None)


async def run(file: Path, host: str, port: int, connections: int, rate: float) -> dict[str, object]:
    requests, latencies, statuses = read_requests(file), list[float](), Counter[str]()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Connection(requests, latencies, statuses, rate / connections), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in made))
    took = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    latencies.sort()

    def at(share: float) -> float:
        return round(latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1000, 2) if latencies else 0.0

    return {
        "seconds": round(took, 3),
        "answers": sum(statuses.values()),
        "statuses": dict(statuses),
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "longest_ms": at(1.0),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 3),
    }


if __name__ == "__main__":
    uvloop.install()
    rate = float(sys.argv[5]) if len(sys.argv) > 5 else 0.0
    print(json.dumps(asyncio.run(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), rate))))  # noqa: T201
