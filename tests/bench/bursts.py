"""One burst of callbacks to seeded orders: sent, answered, paid, messages out; with what each part used above its idle."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.bench import client, parts, seeding
from tests.bench.client import Answers
from tests.bench.signing import callback_url, signed
from tests.support.system import System
from tests.support.waiting import eventually

CONNECTIONS = 32
DRAIN_SECONDS = 600.0
MESSAGES_SECONDS = 120.0
"""The longest that a burst's messages are waited for; what is left then is taken off, so that it is in nothing's way."""
IDLE_SECONDS = 5.0
PAID_AT = (
    "select o.sn, t.created_at from order_transition t join homestay_order o on o.id = t.order_id"
    " where t.to_state = 1 and o.sn between %s and %s"
)


@dataclass(frozen=True)
class Burst:
    """What one burst of callbacks did. `ms` is processor time of one payment by part, `messages_ms` that of one payment's
    messages; both above what an idle system uses. `told` of the orders had their messages out in time."""

    orders: seeding.Orders
    answers: Answers
    paid_seconds: float
    told: int
    ms: Mapping[str, float]
    messages_ms: Mapping[str, float]
    resident: Mapping[str, int]
    proportional: Mapping[str, int]


def burst(
    system: System,
    count: int,
    *,
    connections: int = CONNECTIONS,
    rate: float = 0.0,
    messages: bool = True,
    idle: Mapping[str, float] | None = None,
) -> Burst:
    """Send `count` callbacks, as fast as they are answered or `rate` a second; wait until every order is paid and every
    message is out, without `messages` only planned: no backlog of events must be left in Kafka. `idle` is cores by part
    without requests; where it is not given the first burst measures it for all."""
    run, environment = Path(system.environment["RUN_DIR"]), system.environment
    idle = _idle(run) if idle is None else idle
    orders = seeding.waiting_payments(system, count)
    requests = signed(environment, orders)
    seeding.accept_messages(system, count)
    before, began = parts.processor_seconds(run), time.monotonic()
    answers = client.send(callback_url(environment), requests, connections=connections, rate=rate, moments=True)
    if answers.succeeded() != count:
        sys.exit(f"{answers.succeeded()} of {count} callbacks were accepted: {dict(answers.statuses)}")
    eventually(lambda: seeding.paid_orders(system, orders) == count, seconds=DRAIN_SECONDS)
    paid_seconds = time.monotonic() - began
    resident, proportional = parts.resident_bytes(run), parts.proportional_bytes(run)
    told = _told(system, orders, seeding.messages_to_send if messages else seeding.messages_to_plan)
    used = parts.spent(before, parts.processor_seconds(run))
    used = parts.above_idle(used, idle, time.monotonic() - began)
    ms = {part: seconds * 1000 / count for part, seconds in used.items() if part not in parts.MESSAGE_PARTS}
    of_messages = {part: seconds * 1000 / max(1, told) for part, seconds in used.items() if part in parts.MESSAGE_PARTS}
    return Burst(orders, answers, paid_seconds, told, ms, of_messages, resident, proportional)


def took_ms(system: System, found: Burst) -> list[float]:
    """From each callback's leaving until its order waited to be used, by the clock of the database; shortest first."""
    paid_at = {row["sn"]: row["created_at"].timestamp() for row in system.rows("order", PAID_AT, *found.orders.between)}
    sns = found.orders.order_sns()
    sent = dict(zip(sns[0::2] + sns[1::2], found.answers.sent_at, strict=True))
    return sorted((paid_at[sn] - sent[sn]) * 1000 for sn in sns)


def _told(system: System, orders: seeding.Orders, left: Callable[[System, seeding.Orders], int]) -> int:
    """Wait until nothing is `left`, at most MESSAGES_SECONDS; returns how many orders have had their messages by then."""
    until = time.monotonic() + MESSAGES_SECONDS
    while left(system, orders) and time.monotonic() < until:
        time.sleep(0.2)
    told = orders.count - seeding.messages_to_send(system, orders)
    if told < orders.count:
        seeding.forget_messages(system, orders)
    return told


@cache
def _idle(run: Path) -> dict[str, float]:
    return parts.idle_share(run, IDLE_SECONDS)
