"""Callbacks to paid orders: how many a second, how long, at what processor time, and what happens under too many."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import client, parts, seeding
from tests.bench.client import Answers
from tests.bench.figures import Figure
from tests.bench.floors.callbacks import callback_floor
from tests.bench.floors.sidecars import Sidecars, event_floor
from tests.bench.floors.trip import trip_floor
from tests.bench.signing import callback_url, signed
from tests.support.system import System
from tests.support.waiting import eventually

CONNECTIONS = 32
DRAIN_SECONDS = 600.0
OVERLOAD_CONNECTIONS = 512


@dataclass(frozen=True)
class Burst:
    """What one burst of callbacks did. Processor seconds by part: until the last order was paid, until the last message
    was out."""

    orders: seeding.Orders
    answers: Answers
    paid_seconds: float
    until_paid: Mapping[str, float]
    until_told: Mapping[str, float]
    resident: Mapping[str, int]


def burst(system: System, count: int, *, connections: int = CONNECTIONS, rate: float = 0.0) -> Burst:
    """Send `count` callbacks, wait until every order is paid and every message is out."""
    run, environment = Path(system.environment["RUN_DIR"]), system.environment
    orders = seeding.waiting_payments(system, count)
    requests = signed(environment, orders)
    seeding.accept_messages(system, count)
    before, began = parts.processor_seconds(run), time.monotonic()
    answers = client.send(callback_url(environment), requests, connections=connections, rate=rate, moments=True)
    if answers.succeeded() != count:
        sys.exit(f"{answers.succeeded()} of {count} callbacks were accepted: {dict(answers.statuses)}")
    eventually(lambda: seeding.paid_orders(system, orders) == count, seconds=DRAIN_SECONDS)
    paid_seconds, paid = time.monotonic() - began, parts.processor_seconds(run)
    resident = parts.resident_bytes(run)
    eventually(lambda: seeding.messages_to_send(system, orders) == 0, seconds=DRAIN_SECONDS)
    told = parts.processor_seconds(run)
    return Burst(orders, answers, paid_seconds, parts.spent(before, paid), parts.spent(before, told), resident)


def callbacks(system: System, sidecars: Sidecars, count: int) -> list[Figure]:
    found = burst(system, count)
    floor = callback_floor(system, count, CONNECTIONS)
    events = event_floor(sidecars, count)
    ms = {part: seconds * 1000 / count for part, seconds in found.until_told.items()}
    messages = {part: used for part, used in ms.items() if part in parts.MESSAGE_PARTS}
    payment = {part: used for part, used in ms.items() if part not in parts.MESSAGE_PARTS}
    sent = found.answers
    note = f"answers {dict(sent.statuses)}, p50 {sent.p50_ms:.0f} ms, p99 {sent.p99_ms:.0f} ms;"
    note += f" load client {sent.processor_seconds * 1000 / count:.2f} ms each"
    megabytes = sum(size for part, size in found.resident.items() if _is_ours(part)) / 1e6
    return [
        Figure("callbacks accepted", "/s", sent.per_second, floor.per_second, 2000, note=note),
        Figure("orders paid, end to end", "/s", count / found.paid_seconds, events.per_second, 1500),
        Figure(
            "processor time of a payment",
            "ms",
            sum(payment.values()),
            floor.processor_ms + events.processor_ms,
            1.5,
            less_is_better=True,
            by_part=payment,
        ),
        Figure("processor time of its messages", "ms", sum(messages.values()), None, 2.0, True, messages),
        Figure("memory under load", "MB", megabytes, None, 600, less_is_better=True),
    ]


def latency(system: System, count: int, rate: float = 50.0) -> list[Figure]:
    """From a callback that leaves until its order waits to be used, by the clock of the database."""
    trips = trip_floor(system.environment, 50)
    found = burst(system, count, rate=rate)
    query = (
        "select o.sn, t.created_at from order_transition t join homestay_order o on o.id = t.order_id"
        " where t.to_state = 1 and o.sn between %s and %s"
    )
    paid_at = {row["sn"]: row["created_at"].timestamp() for row in system.rows("order", query, *found.orders.between)}
    sns = found.orders.order_sns()
    sent = dict(zip(sns[0::2] + sns[1::2], found.answers.sent_at, strict=True))
    took = sorted((paid_at[sn] - sent[sn]) * 1000 for sn in sns)
    return [
        Figure(f"callback → order paid at {rate:.0f}/s, p50", "ms", took[count // 2], trips[25], 20, True),
        Figure(f"callback → order paid at {rate:.0f}/s, p99", "ms", took[count * 99 // 100], trips[49], 80, True),
    ]


def overload(system: System, count: int, seconds: float = 5.0) -> list[Figure]:
    """Ten times what a burst of `count` was accepted at is offered for so long; then five calm seconds."""
    peak = burst(system, count).answers.per_second
    orders = seeding.waiting_payments(system, int(10 * peak * seconds))
    offered = signed(system.environment, orders)
    url = callback_url(system.environment)
    crowd = client.send(url, offered, connections=OVERLOAD_CONNECTIONS, rate=10 * peak)
    after = client.send(url, offered[:250], connections=CONNECTIONS, rate=50)
    eventually(lambda: seeding.paid_orders(system, orders) >= crowd.succeeded(), seconds=DRAIN_SECONDS)
    goodput = crowd.succeeded() / crowd.seconds
    return [
        Figure(
            "overload ×10, goodput of the peak", "%", 100 * goodput / peak, None, 90, note=f"{dict(crowd.statuses)}"
        ),
        Figure("overload ×10, longest answer", "s", crowd.longest_ms / 1000, None, 5, less_is_better=True),
        Figure("the five seconds after, p99", "ms", after.p99_ms, None, 200, less_is_better=True),
    ]


def _is_ours(part: str) -> bool:
    return part not in {"kafka", "postgres"} and not part.endswith("-daprd")
