"""Callbacks to paid orders: how many a second, how long, at what processor time, and what happens under too many."""

from itertools import pairwise

from tests.bench import client, parts, seeding
from tests.bench.bursts import CONNECTIONS, DRAIN_SECONDS, Burst, burst, took_ms
from tests.bench.figures import Figure
from tests.bench.floors.callbacks import callback_floor
from tests.bench.floors.sidecars import Sidecars, event_floor
from tests.bench.floors.trip import trip_floor
from tests.bench.signing import callback_url, signed
from tests.support.system import System
from tests.support.waiting import eventually

OVERLOAD_CONNECTIONS = 1024
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
WINDOW_SECONDS = 5.0


def callbacks(system: System, sidecars: Sidecars, count: int) -> list[Figure]:
    found = burst(system, count)
    floor = callback_floor(system, count, CONNECTIONS)
    events = event_floor(sidecars, count)
    sent = found.answers
    note = f"answers {dict(sent.statuses)}, p50 {sent.p50_ms:.0f} ms, p99 {sent.p99_ms:.0f} ms;"
    note += f" load client {sent.processor_seconds * 1000 / count:.2f} ms each"
    told = f"messages of {found.told:,} of {count:,} payments" if found.told < count else ""
    return [
        Figure("callbacks accepted", "/s", sent.per_second, floor.per_second, 2000, note=note),
        Figure("orders paid, end to end", "/s", count / found.paid_seconds, events.per_second, 1500),
        payment_time(found, floor.processor_ms + events.processor_ms),
        Figure(
            "processor time of its messages",
            "ms",
            sum(found.messages_ms.values()),
            None,
            2.0,
            less_is_better=True,
            by_part=found.messages_ms,
            note=told,
        ),
        *_memory(found),
    ]


def payment_time(found: Burst, floor_ms: float) -> Figure:
    total = sum(found.ms.values())
    return Figure("processor time of a payment", "ms", total, floor_ms, 1.5, less_is_better=True, by_part=found.ms)


def _memory(found: Burst) -> list[Figure]:
    """Of the services and the sandbox: as each process has it, and with the pages that they share counted once."""
    name = "memory under load"
    whole, once = (
        {part: size / 1e6 for part, size in sizes.items() if parts.is_ours(part)}
        for sizes in (found.resident, found.proportional)
    )
    note = ", ".join(f"{part} {size:.0f}" for part, size in whole.items())
    return [
        Figure(name, "MB", sum(whole.values()), None, 600, less_is_better=True, note=note),
        Figure(f"{name}, shared pages once", "MB", sum(once.values())),
    ]


def latency(system: System, count: int, rate: float = 50.0) -> list[Figure]:
    trips = trip_floor(system.environment, 50)
    took = took_ms(system, burst(system, count, rate=rate))
    return [
        Figure(f"callback → order paid at {rate:.0f}/s, p50", "ms", took[count // 2], trips[25], 20, True),
        Figure(f"callback → order paid at {rate:.0f}/s, p99", "ms", took[count * 99 // 100], trips[49], 80, True),
    ]


def rates(system: System, count: int, seconds: float) -> list[Figure]:
    """Offer shares of what a burst of `count` was paid at, each for so long. The figure is the highest rate whose p99 is
    within 80 ms; the series is the curve."""
    peak = count / burst(system, count, messages=False).paid_seconds
    series = []
    for share in SHARES:
        rate = peak * share
        took = took_ms(system, burst(system, max(20, int(rate * seconds)), rate=rate, messages=False))
        p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
        series.append({"share": share, "rate": rate, "p50_ms": p50, "p99_ms": p99})
    kept = max((point["rate"] for point in series if point["p99_ms"] <= 80), default=0.0)
    note = ", ".join(f"{each['share']:.0%}: {each['p50_ms']:.0f}/{each['p99_ms']:.0f} ms" for each in series)
    return [Figure("rate within 80 ms p99", "/s", kept, note=f"p50/p99 by share of the peak {note}", series=series)]


def sustained(system: System, count: int, seconds: float) -> list[Figure]:
    """As fast as they are answered, for so long: sized by what a burst of `count` was accepted at."""
    peak = burst(system, count, messages=False).answers.per_second
    found = burst(system, int(peak * seconds), messages=False)
    sent = sorted(found.answers.sent_at)
    moments = [sent[0] + WINDOW_SECONDS * n for n in range(int((sent[-1] - sent[0]) / WINDOW_SECONDS) + 1)]
    slices = [sum(begin <= at < end for at in sent) / WINDOW_SECONDS for begin, end in pairwise(moments)]
    rates_seen = f"{min(slices):,.0f} to {max(slices):,.0f}/s" if slices else "less than one slice"
    note = (
        f"{found.answers.answers:,} in {found.answers.seconds:.0f} s, in slices of {WINDOW_SECONDS:.0f} s {rates_seen}"
    )
    return [
        Figure("callbacks accepted, sustained", "/s", found.answers.per_second, None, 2000, note=note),
        Figure("orders paid, sustained", "/s", found.orders.count / found.paid_seconds, None, 1500),
    ]


def overload(system: System, count: int, seconds: float = 5.0) -> list[Figure]:
    """More connections than a burst of `count` had, by far, send again as soon as they have a response; then five calm
    seconds. Latencies count from sending, the goodput is what was settled."""
    peak = burst(system, count).answers.per_second
    orders = seeding.waiting_payments(system, int(10 * peak * seconds))
    offered = signed(system.environment, orders)
    url = callback_url(system.environment)
    crowd = client.send(url, offered, connections=OVERLOAD_CONNECTIONS, seconds=seconds)
    settled = seeding.settled_payments(system, orders)
    after = client.send(url, offered[:250], connections=CONNECTIONS, rate=50)
    all_settled = seeding.settled_payments(system, orders)
    eventually(lambda: seeding.paid_orders(system, orders) == all_settled, seconds=DRAIN_SECONDS)
    seeding.forget_messages(system, orders)
    offer = f"{OVERLOAD_CONNECTIONS} connections, {crowd.per_second:,.0f}/s answered: {dict(crowd.statuses)}"
    goodput = settled / crowd.seconds
    return [
        Figure("overload ×10, goodput of the peak", "%", 100 * goodput / peak, None, 90, note=offer),
        Figure("overload ×10, longest answer", "s", crowd.longest_ms / 1000, None, 5, less_is_better=True),
        Figure("the five seconds after, p99", "ms", after.p99_ms, None, 200, less_is_better=True),
    ]
