"""Where spans go while tracing is measured: a small Go program that takes OTLP over HTTP and keeps three sums."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import httpx

from stack import children
from tests.bench import parts
from tests.bench.programs import built

SOURCE = Path(__file__).parent / "sink"


@dataclass(frozen=True)
class Taken:
    """What was received so far, bodies in octets, and the processor seconds that it took."""

    requests: int = 0
    octets: int = 0
    spans: int = 0
    processor_seconds: float = 0.0

    def since(self, before: "Taken") -> "Taken":
        return Taken(
            self.requests - before.requests,
            self.octets - before.octets,
            self.spans - before.spans,
            self.processor_seconds - before.processor_seconds,
        )


@dataclass(frozen=True)
class Sink:
    url: str
    """As OTEL_EXPORTER_OTLP_ENDPOINT takes it."""
    pid: int

    def taken(self) -> Taken:
        sums = httpx.get(f"{self.url}/taken", timeout=10).raise_for_status().json()
        return Taken(**sums, processor_seconds=parts.of_process(self.pid))


@contextmanager
def receiving() -> Iterator[Sink]:
    """A process that takes spans until the end of the block."""
    with children.child([built(SOURCE)], stdout=PIPE) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        yield Sink(f"http://{address}", process.pid)
