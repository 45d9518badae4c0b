"""How fast guests' messages leave, and how long a new one waits behind a backlog of old ones."""

import time
from pathlib import Path

from tests.bench import parts, seeding
from tests.bench.figures import Figure
from tests.support.system import System
from tests.support.waiting import eventually

PLAN = (
    "insert into notification_task (order_sn, kind, due_at, give_up_at)"
    " select sn, 'paid', now(), now() + interval '1 day' from unnest(%s::text[]) sn"
)
PAY = (
    "update homestay_order set trade_state = 1, payment_sn = 'PMT' || substr(sn, 4), paid_at = now(),"
    " checkin_code = right(sn, 8) where sn between %s and %s"
)
DRAIN_SECONDS = 600.0


def messages(system: System, count: int) -> list[Figure]:
    """Send a backlog of `count` messages; beside it one order is paid, whose message must not wait for them."""
    run = Path(system.environment["RUN_DIR"])
    orders = seeding.waiting_orders(system, count)
    system.rows("order", PAY, *orders.between)
    seeding.accept_messages(system, count + 1)
    before, began = parts.processor_seconds(run), time.monotonic()
    system.rows("notification", PLAN, orders.order_sns())
    fresh = purchase(system)
    eventually(lambda: seeding.messages_to_send(system, orders) == 0, seconds=DRAIN_SECONDS)
    took = time.monotonic() - began
    by_part = {
        part: seconds * 1000 / count for part, seconds in parts.spent(before, parts.processor_seconds(run)).items()
    }
    return [
        Figure("messages to guests", "/s", count / took, None, 400, by_part=by_part),
        Figure("a new message beside a backlog", "s", fresh, None, 5, less_is_better=True),
    ]


def purchase(system: System) -> float:
    """Seconds from a payment until its guest's message is out."""
    order_sn = system.book()
    system.tap_pay(system.prepay(order_sn)["paymentSn"])
    began = time.monotonic()
    query = "select id from notification_task where order_sn = %s and kind = 'paid' and state <> 'pending'"
    eventually(lambda: system.rows("notification", query, order_sn), seconds=DRAIN_SECONDS, what="the message")
    return time.monotonic() - began
