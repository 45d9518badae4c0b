"""What tracing costs: the same burst without a line that reads or writes a context (untraced/), with tracing off, of one
payment in a hundred and of each, in turn within each run.

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

LEFT_OUT, OFF = "left out", "off"
MOST_PERCENT_OFF = 103
"""Of what a payment costs with tracing left out: off, it should cost nothing."""
RATIOS = {"at 1 %": "0.01", "at 100 %": "1"}
UNTRACED = Path(__file__).parent / "untraced"
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
            measured = {LEFT_OUT: _measured(system, sink, count, PYTHONPATH=str(UNTRACED))}
            measured |= {OFF: _measured(system, sink, count)}
            measured |= {
                name: _measured(system, sink, count, **_sampled(sink, ratio)) for name, ratio in RATIOS.items()
            }
    finally:
        at_rest.restarted(system.environment)
    return figures(measured)


def figures(measured: Mapping[str, Measured]) -> list[Figure]:
    """Of all that one run has measured: off is compared with left out, the ratios with off."""
    found = [figure for name, each in measured.items() for figure in _costs(f"tracing {name}", each)]
    off = measured[OFF]
    found.append(_of(measured[LEFT_OUT], off, f"tracing {OFF} of {LEFT_OUT}", MOST_PERCENT_OFF))
    for name in RATIOS:
        found += [_of(off, measured[name], f"tracing {name} of {OFF}"), _received(f"tracing {name}", measured[name])]
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


def _of(less: Measured, more: Measured, name: str, most: float | None = None) -> Figure:
    note = f"{less.ms:.2f} → {more.ms:.2f} ms"
    return Figure(f"a payment with its messages, {name}", "%", 100 * more.ms / less.ms, None, most, True, note=note)


def _received(name: str, each: Measured) -> Figure:
    count, taken = each.burst.orders.count, each.taken
    note = f"{taken.spans / count:.2f} spans and {taken.octets / count:,.0f} bytes a payment"
    note += f" in {taken.requests:,} requests"
    return Figure(f"its spans' receiver, {name}", "ms", 1000 * taken.processor_seconds / count, note=note)


def _time(name: str, by_part: Mapping[str, float], note: str = "") -> Figure:
    return Figure(name, "ms", sum(by_part.values()), None, None, True, by_part, note)


def _sampled(sink: Sink, ratio: str) -> dict[str, str]:
    """With OTEL_BSP_SCHEDULE_DELAY as with OBS=1: what is sent after the burst is little."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_TRACES_SAMPLER_ARG": ratio,
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
    }


def _measured(stopped: System, sink: Sink, count: int, **told: str) -> Measured:
    """Of the system started anew with `told` in its environment; without an endpoint in it tracing is off."""
    at_rest.restarted(stopped.environment, **{"OBS": "0", "OTEL_EXPORTER_OTLP_ENDPOINT": ""} | told)
    run = Path(stopped.environment["RUN_DIR"])
    with closing(System(read_stack_env(run / "stack.env"), homestay=SEEDED)) as system:
        purchase(system)
        burst(system, max(1, count // WARM_SHARE))
        at_rest.wait_for_rest(system)
        idle = parts.idle_share(run, IDLE_SECONDS)
        before = sink.taken()
        found = burst(system, count, idle=idle)
        return Measured(found, sink.taken().since(before))
