"""The load client: a small Go program in a process of its own, so that it is no part of what is measured."""

import json
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.programs import built

SOURCE = Path(__file__).parent / "client"


@dataclass(frozen=True)
class Answers:
    """What came back. Latencies in ms; with a rate they count from when a request was to leave."""

    seconds: float
    answers: int
    statuses: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    longest_ms: float
    processor_seconds: float
    sent_at: Sequence[float]
    """Seconds since 1970 at which each request left, in the order of the requests; empty unless asked for."""

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds

    def succeeded(self) -> int:
        return sum(count for status, count in self.statuses.items() if status.startswith("2"))


def render(method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """One HTTP/1.1 request as it goes over the wire."""
    where = urlsplit(url)
    target = where.path + (f"?{where.query}" if where.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {where.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def send(
    url: str,
    requests: Iterable[bytes],
    *,
    connections: int,
    rate: float = 0.0,
    seconds: float = 0.0,
    moments: bool = False,
) -> Answers:
    """Send `requests` to the host of `url`: as fast as they are answered, or `rate` a second; once, or for `seconds`."""
    where = urlsplit(url)
    with tempfile.TemporaryDirectory() as folder:
        file, sent_at = Path(folder) / "requests", Path(folder) / "sent-at"
        file.write_bytes(b"".join(struct.pack("!I", len(each)) + each for each in requests))
        argv: list[object] = [built(SOURCE), "-address", f"{where.hostname}:{where.port}", "-requests", file]
        argv += ["-connections", connections, "-rate", rate, "-seconds", seconds]
        argv += ["-sent-at", sent_at] if moments else []
        done = subprocess.run([str(each) for each in argv], capture_output=True, text=True, check=True)
        return Answers(**json.loads(done.stdout), sent_at=_moments(sent_at) if moments else ())


def _moments(file: Path) -> list[float]:
    by_index = (line.split() for line in file.read_text().splitlines())
    return [nanoseconds / 1e9 for _, nanoseconds in sorted((int(index), int(at)) for index, at in by_index)]
