"""Waiting until nothing moves. Time that would only pass is made to pass: what sleeps until later is due now, and each
job gets one tick more than its sidecar gives it. No state is written here."""

import asyncio
import contextlib
from typing import Any

import httpx
import psycopg

from tests.chaos import books
from tests.chaos.books import Books
from tests.chaos.machine import Machine

JOBS = {
    "payment": ("payment-query-open", "payment-reapply-dead-letters", "payment-retry-refunds"),
    "order": ("order-close-unpaid", "order-expire-stays", "order-reapply-dead-letters"),
    "notification": ("notification-due", "notification-reapply-dead-letters"),
    "travel": ("travel-reapply-dead-letters",),
}
DUE = {
    "payment": (
        "update third_payment set due_at = now(), leased_until = null where pay_status = 0 and due_at < now() + '1 hour'",
        (
            "update refund set due_at = now(), leased_until = null"
            " where state in ('requested', 'accepted') and due_at < now() + '1 hour'"
        ),
        "update third_payment set refund_sent_at = null where refund_sent_at is not null",  # a minute between two refunds
        "update dead_letter set due_at = now(), leased_until = null where state = 'waiting'",
    ),
    "order": (
        "update homestay_order set due_at = now(), leased_until = null where trade_state = 0 and closing_at is not null",
        # A guest who went home while the merchant was asked: the day that she has to answer is over.
        (
            "update homestay_order set refund_opened_at = refund_opened_at - interval '1 day'"
            " where refund_state = 'asked' and refund_opened_at > now() - interval '1 day'"
        ),
        "update dead_letter set due_at = now(), leased_until = null where state = 'waiting'",
    ),
    "notification": (
        "update notification_task set due_at = now() where state = 'pending' and leased_until is null",
        "update dead_letter set due_at = now(), leased_until = null where state = 'waiting'",
    ),
    "travel": ("update dead_letter set due_at = now(), leased_until = null where state = 'waiting'",),
}
ROUND = 3.0
EXPIRE = "update homestay_order set close_at = now(), due_at = now() where trade_state = 0 and sn = any(%s)"


async def wait(machine: Machine, seconds: float, before: set[str]) -> tuple[float, list[str]]:
    """Returns how long it took and what still moved at the end (nothing, as it should be).
    Orders of `before` are not ours."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        seen = (await asyncio.to_thread(books.read, machine)).without(before)
        moving = motion(seen)
        if not moving or loop.time() - began > seconds:
            return loop.time() - began, moving
        await asyncio.to_thread(_let_time_pass, machine, seen)
        await _tick(machine)
        await _let_wechat_finish(machine, seen)
        await asyncio.sleep(ROUND)


def motion(seen: Books) -> list[str]:
    """What has not come to rest, in words."""
    found = []
    for service in ("order", "payment"):
        waiting = sum(row["published_at"] is None for row in seen.ours[service]["outbox"])
        found += [f"{waiting} events in the outbox of {service}"] if waiting else []
    counted = {
        "orders wait for payment": _count(seen, "order", "homestay_order", "trade_state", {0}),
        "refunds wait for their merchant": _count(seen, "order", "homestay_order", "refund_state", {"asked"}),
        "payments are open": _count(seen, "payment", "third_payment", "pay_status", {0}),
        "refunds are on their way": _count(seen, "payment", "refund", "state", {"requested", "accepted"}),
        "messages are pending": _count(seen, "notification", "notification_task", "state", {"pending"}),
    }
    for service in ("order", "payment", "notification", "travel"):
        counted[f"dead letters of {service} wait"] = _count(seen, service, "dead_letter", "state", {"waiting"})
    taken = {row["event_id"] for tables in seen.ours.values() for row in tables["inbox"]}
    events = [row["event_id"] for service in ("order", "payment") for row in seen.ours[service]["outbox"]]
    counted["events are under way"] = sum(event not in taken for event in events)
    return found + [f"{number} {what}" for what, number in counted.items() if number]


def _count(seen: Books, service: str, table: str, column: str, values: set[Any]) -> int:
    return sum(row[column] in values for row in seen.ours[service][table])


def _let_time_pass(machine: Machine, seen: Books) -> None:
    held = {seen.payments[number]["order_sn"] for number in seen.paid_fen if number in seen.payments}
    # An order whose money WeChat has must hear of it by an event; only the others may run out of time.
    unpaid = [sn for sn, order in seen.orders.items() if order["trade_state"] == 0 and sn not in held]
    for service, statements in DUE.items():
        with contextlib.suppress(psycopg.Error):
            for statement in statements:
                books.rows(machine.real_url(service), statement)
    books.rows(machine.real_url("order"), EXPIRE, unpaid)


async def _tick(machine: Machine) -> None:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:

        async def call(service: str, job: str) -> None:
            token = {"dapr-api-token": machine.app_token(service)}
            with contextlib.suppress(httpx.HTTPError):
                await http.post(machine.delivered(service, f"/jobs/{job}"), headers=token)

        await asyncio.gather(*(call(service, job) for service, jobs in JOBS.items() for job in jobs))


async def _let_wechat_finish(machine: Machine, seen: Books) -> None:
    """Refunds that the sandbox holds back until it is told otherwise."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        for row in seen.sim["refund"]:
            if row["status"] == "PROCESSING":
                url = f"http://127.0.0.1:{machine.real_port('wechatsim')}/_sim/refund/finish"
                await http.post(url, json={"out_refund_no": row["out_refund_no"]})
