"""One run: load, meanwhile faults, then quiet, then the check."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.chaos import books, quiet, report
from tests.chaos.checker import check
from tests.chaos.client import Client
from tests.chaos.dice import dice
from tests.chaos.disk import Disk
from tests.chaos.faults import Fault, schedule
from tests.chaos.findings import WRONG, Finding
from tests.chaos.journal import Journal
from tests.chaos.levers import Levers
from tests.chaos.load import Load
from tests.chaos.machine import Machine
from tests.support.refunding import FIRST_NOON_PASSED
from tests.support.waiting import eventually

EXPIRE = "update homestay_order set close_at = now(), due_at = now() where trade_state = 0 and sn = %s"
OVERLAP = 3
"""At most so many faults at one moment."""


@dataclass(frozen=True)
class Plan:
    seed: int
    faults: int
    seconds: float
    """Of load; the faults are spread over it, and it goes on until the last of them is over."""
    rate: float = 1.5
    short: bool = False
    quiet_seconds: float = 150
    farewell_seconds: float = 45


SHORT = Plan(20261123, 22, 30, rate=2, short=True, quiet_seconds=60, farewell_seconds=20)
"""A minute and a half in all, the start included."""


async def run(machine: Machine, plan: Plan, disk: Disk, left_out: str, journal: Journal) -> dict[str, Any]:
    """The figures, findings included. The machine is whole and quiet afterwards."""
    before = await asyncio.to_thread(books.order_numbers, machine)
    client = Client(machine.env, f"http://127.0.0.1:{machine.real_port('wechatsim')}", journal)

    async def expire(order_sn: str) -> None:
        await asyncio.to_thread(_expire, machine, order_sn)

    async def begin(order_sn: str) -> None:
        await asyncio.to_thread(_begin, machine, order_sn)

    try:
        load = Load(plan.seed, client, journal, machine.env, expire, begin, first=len(before) + 1)
        levers = Levers(machine, client, disk, journal, plan.seed)
        stop = asyncio.Event()
        guests = asyncio.create_task(load.run(stop, rate=plan.rate))
        faults = schedule(plan.seed, plan.faults, disk=not left_out, short=plan.short, replicas=machine.replicas)
        await _inject(plan, levers, faults)
        await levers.heal()
        stop.set()
        await guests
        await load.finish(plan.farewell_seconds)
        took, moving = await quiet.wait(machine, plan.quiet_seconds, before)
        seen = (await asyncio.to_thread(books.read, machine)).without(before)
        findings = judge(seen, journal)
        if not seen.paid_fen:
            findings.append(Finding(WRONG, "this run", "no guest paid anything: it proves nothing"))
        more = {"seed": plan.seed, "seconds": journal.now(), "quiet_s": round(took, 1), "still_moving": moving}
        return report.figures(journal, seen, findings, left_out=left_out, **more)
    finally:
        await client.close()


def judge(seen: books.Books, journal: Journal) -> list[Finding]:
    return check(seen, journal.of("booked"))


async def _inject(plan: Plan, levers: Levers, faults: list[Fault]) -> None:
    rng = dice(plan.seed, "moments")
    gate = asyncio.Semaphore(OVERLAP)
    loop = asyncio.get_running_loop()
    moments = sorted(rng.uniform(0.08, 1.0) * plan.seconds for _ in faults)
    began = loop.time()

    async def strike(fault: Fault) -> None:
        try:
            await levers.pull(fault)
        finally:
            gate.release()

    async with asyncio.TaskGroup() as group:
        for moment, fault in zip(moments, faults, strict=True):
            await asyncio.sleep(max(0.0, began + moment - loop.time()))
            await gate.acquire()
            group.create_task(strike(fault))


def _expire(machine: Machine, order_sn: str) -> None:
    with contextlib.suppress(Exception):  # the database may be away: then the order lives on a while
        books.rows(machine.real_url("order"), EXPIRE, order_sn)


def _begin(machine: Machine, order_sn: str) -> None:
    """Once the database is there: the guest must not ask before."""

    def moved() -> bool:
        with contextlib.suppress(psycopg.Error):
            books.rows(machine.real_url("order"), FIRST_NOON_PASSED, order_sn)
            return True
        return False

    eventually(moved, what=f"noon of the first day of {order_sn}", seconds=60)
