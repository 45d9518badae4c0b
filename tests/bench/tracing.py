"""What tracing costs: the same burst with tracing off, of one payment in a hundred and of each, in turn within each run.

The system is taken down and up again for each, sidecars too, and at the end once more as it was. Spans go by OTLP to a
process of its own (spans.py), whose work is counted apart.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.bench import at_rest, parts, spans
from tests.bench.bursts import IDLE_SECONDS, Burst, burst
from tests.bench.figures import Figure
from tests.bench.messages import purchase
from tests.bench.spans import Sink, Taken
from tests.support.rooms import SEEDED
from tests.support.stack import read_stack_env
from tests.support.system import System

OFF = "off"
RATIOS = {"at 1 %": "0.01", "at 100 %": "1"}
WARM_SHARE = 5
"""A fifth of the burst goes before it: connections, caches and plans of the new processes."""


@dataclass(frozen=True)
class Measured:
    """A burst, and the spans that came in from its beginning until every message was out."""

    burst: Burst
    taken: Taken

    @property
    def ms(self) -> float:
        """Of one payment with its messages."""
        return sum(self.burst.ms.values()) + sum(self.burst.messages_ms.values())


def tracing(system: System, count: int) -> list[Figure]:
    try:
        with spans.receiving() as sink:
            measured = {OFF: _measured(system, sink, count)}
            measured |= {name: _measured(system, sink, count, ratio) for name, ratio in RATIOS.items()}
    finally:
        at_rest.restarted(system.environment)
    return figures(measured)


def figures(measured: Mapping[str, Measured]) -> list[Figure]:
    """Of all that one run has measured; OFF is what the others are compared with."""
    found = [figure for name, each in measured.items() for figure in _costs(f"tracing {name}", each)]
    off = measured[OFF]
    for name, each in measured.items():
        if name != OFF:
            found += _above(off, f"tracing {name}", each)
    return found


def _costs(name: str, each: Measured) -> list[Figure]:
    found, sent = each.burst, each.burst.answers
    note = f"answers {dict(sent.statuses)}, p50 {sent.p50_ms:.0f} ms, p99 {sent.p99_ms:.0f} ms"
    told = f"messages of {found.told:,} of {found.orders.count:,} payments" if found.told < found.orders.count else ""
    return [
        Figure(f"callbacks accepted, {name}", "/s", sent.per_second, note=note),
        _time(f"processor time of a payment, {name}", found.ms),
        _time(f"processor time of its messages, {name}", found.messages_ms, told),
    ]


def _above(off: Measured, name: str, each: Measured) -> list[Figure]:
    count, taken = each.burst.orders.count, each.taken
    compared = f"{off.ms:.2f} → {each.ms:.2f} ms"
    received = f"{taken.spans / count:.2f} spans and {taken.octets / count:,.0f} bytes a payment"
    received += f" in {taken.requests:,} requests"
    return [
        Figure(f"a payment with its messages, {name} of off", "%", 100 * each.ms / off.ms, note=compared),
        Figure(f"its spans' receiver, {name}", "ms", 1000 * taken.processor_seconds / count, note=received),
    ]


def _time(name: str, by_part: Mapping[str, float], note: str = "") -> Figure:
    return Figure(name, "ms", sum(by_part.values()), None, None, True, by_part, note)


def _measured(stopped: System, sink: Sink, count: int, ratio: str = "") -> Measured:
    """Of the system started anew; without a `ratio` tracing is off."""
    told = {"OBS": "0", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    if ratio:
        told |= {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_TRACES_SAMPLER_ARG": ratio}
        told["OTEL_BSP_SCHEDULE_DELAY"] = "1000"  # as with OBS=1: what is sent after the burst is little
    at_rest.restarted(stopped.environment, **told)
    run = Path(stopped.environment["RUN_DIR"])
    with closing(System(read_stack_env(run / "stack.env"), homestay=SEEDED)) as system:
        purchase(system)
        burst(system, max(1, count // WARM_SHARE))
        at_rest.wait_for_rest(system)
        idle = parts.idle_share(run, IDLE_SECONDS)
        before = sink.taken()
        found = burst(system, count, idle=idle)
        return Measured(found, sink.taken().since(before))
