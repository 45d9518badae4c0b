"""The ledger in TypeScript joins the running system, is killed between purchases, and has what payment has, to the fen."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import KafkaProducer

from stack import layout
from stack.kafka_admin import Broker
from stack.layout import INFRASTRUCTURE, REPO
from stack.processes import Processes
from tests.support.refunding import ask_refund, book_ahead, pay, payment
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
TOPIC = "payment-update-paystatus-topic"
PARTS = ("ledger", "ledger-daprd")
AWAY_SECONDS = 12
"""Longer than it takes a sidecar with health checks to stop its subscriptions (four probes, two seconds apart)."""


@dataclass
class LedgerSeat:
    """The ledger beside the system, its processes and its files."""

    system: System
    run: Path

    def up(self) -> None:
        """As `SEAT_LEDGER=node make up` beside a system that runs: starts what is not there."""
        known = layout.recorded({"MINSU_RUN_DIR": str(self.run)}).layout
        more = {
            "SEAT_LEDGER": "node",
            "MINSU_RUN_DIR": str(self.run),
            "PORT_OFFSET": str(known.port("kafka") - INFRASTRUCTURE["kafka"]),
            "RECORD": "1" if known.is_recorded else "0",
        }
        done = subprocess.run(
            [sys.executable, "-m", "stack", "up"],
            cwd=REPO,
            env=os.environ | more,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def kill(self) -> None:
        record = Processes(self.run).alive("ledger")
        assert record
        os.kill(record.pid, signal.SIGKILL)
        eventually(lambda: Processes(self.run).alive("ledger") is None, what="the ledger was killed")

    def stop(self) -> None:
        processes = Processes(self.run)
        processes.stop([record for name in PARTS if (record := processes.record(name))])

    def lines(self) -> list[dict[str, str]]:
        files = sorted((self.run / "ledger").glob("*.csv"))
        return [line for file in files for line in csv.DictReader(file.read_text().splitlines())]

    def sums(self, number: str) -> tuple[int, int]:
        """Sales and refunds of a payment, in fen; every other column of it must balance them."""
        mine = [line for line in self.lines() if line["payment_sn"] == number]
        assert sum(int(line["debit_fen"]) for line in mine) == sum(int(line["credit_fen"]) for line in mine)
        sales = sum(int(line["credit_fen"]) for line in mine if line["account"] == "sales")
        return sales, sum(int(line["debit_fen"]) for line in mine if line["account"] == "refunds")

    def letters(self) -> list[dict[str, Any]]:
        file = self.run / "ledger" / "dead-letters.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def get(self, path: str) -> httpx.Response:
        known = layout.recorded({"MINSU_RUN_DIR": str(self.run)}).layout
        return httpx.get(known.url("ledger") + path, timeout=10)

    def handled(self, outcome: str) -> int:
        """Deliveries of the topic since its start, by what it responded."""
        return int(self.get("/metrics").text.partition(f'{{topic="{TOPIC}",outcome="{outcome}"}} ')[2].split()[0])

    def verify(self, payments: Path) -> list[str]:
        """What its own `verify` finds to be wrong."""
        program = REPO / "seats" / "ledger-node" / "dist" / "verify.js"
        argv = ["node", str(program), str(self.run / "ledger"), "--against", str(payments)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode in {0, 1}, done.stderr
        return [line for line in done.stdout.splitlines() if line.startswith("✗")]


@pytest.fixture(scope="module")
def seat(system: System) -> Iterator[LedgerSeat]:
    run = Path(system.environment["RUN_DIR"])
    record = run / layout.RECORD
    before = record.read_text()
    joined = LedgerSeat(system, run)
    try:
        joined.up()
        yield joined
    finally:
        joined.stop()
        record.write_text(before)


def published(system: System, number: str) -> list[dict[str, Any]]:
    """The events of a payment, oldest first."""
    query = "select event from outbox where topic = %s and event->>'subject' = %s order by id"
    return [row["event"] for row in system.rows("payment", query, TOPIC, number)]


def publish_again(system: System, *events: dict[str, Any]) -> None:
    broker = Broker(system.environment["KAFKA_BROKERS"], system.environment["KAFKA_ADMIN_PASSWORD"])
    with closing(KafkaProducer(**broker.login(), acks="all")) as producer:
        for event in events:
            producer.send(TOPIC, json.dumps(event).encode(), key=event["data"]["orderSn"].encode()).get(30)


def is_booked(seat: LedgerSeat, number: str) -> bool:
    row = payment(seat.system, number)
    return seat.sums(number) == (row["total_fen"], row["refunded_fen"])


def test_after_a_kill_in_the_middle_duplicates_and_refunds_the_ledger_has_what_payment_has(seat, system, tmp_path):
    orders = [book_ahead(system, days=days) for days in (11, 12, 13, 14)]
    numbers = [pay(system, orders[0])]
    eventually(lambda: is_booked(seat, numbers[0]), what="the first payment is booked")

    seat.kill()
    killed = time.monotonic()
    numbers += [pay(system, each) for each in orders[1:3]]
    total = payment(system, numbers[1])["total_fen"]
    assert ask_refund(system, orders[1], numbers[1], total // 3, f"RFR{orders[1][3:]}").status_code == 200
    eventually(lambda: payment(system, numbers[1])["refunded_fen"] == total // 3, what="a part went back")
    eventually(lambda: time.monotonic() - killed > AWAY_SECONDS, what="an app that is checked would be unhealthy")
    seat.up()
    numbers.append(pay(system, orders[3]))
    system.data("/order/v1/homestayOrder/refundHomestayOrder", {"sn": orders[0], "reason": ""}, "BUYER")
    eventually(lambda: payment(system, numbers[0])["pay_status"] == 2, what="all of the first went back")

    for number in numbers:
        eventually(lambda each=number: is_booked(seat, each), what=f"{number} is booked", seconds=60)

    before, handled = seat.lines(), seat.handled("SUCCESS")
    again = [event for number in numbers for event in published(system, number)]
    late = pay(system, book_ahead(system, days=15))
    publish_again(system, *again, *({**event, "id": f"{event['id']}-again"} for event in again))
    publish_again(system, *published(system, late))
    eventually(lambda: is_booked(seat, late), what="a later payment is booked")
    expected = handled + len(again) * 2 + 2
    eventually(lambda: seat.handled("SUCCESS") >= expected, what="the duplicates were handled")
    assert [line for line in seat.lines() if line["payment_sn"] != late] == before

    theirs = tmp_path / "payments.json"
    theirs.write_text(system.cli("minsu", "ops", "payments", "--count", "1000", "--json").stdout)
    wrong = seat.verify(theirs)
    assert [line for line in wrong if any(number in line for number in [*numbers, late])] == []
    assert [line for line in wrong if ".csv" in line] == []


def test_an_event_that_contradicts_the_books_goes_to_the_dead_letters_and_changes_nothing(seat, system):
    number = pay(system, book_ahead(system, days=16))
    eventually(lambda: is_booked(seat, number), what="the payment is booked")
    [event] = published(system, number)
    before, letters = seat.lines(), seat.letters()

    # Order knows its id, and does nothing.
    forged = {**event, "data": {**event["data"], "version": event["data"]["version"] + 1}}
    publish_again(system, forged)

    eventually(lambda: len(seat.letters()) == len(letters) + 1, what="the letter is kept")
    letter = seat.letters()[-1]
    assert letter["message"]["data"] == forged["data"]
    assert letter["reason"] == f"id {event['id']} was another event: {number} {event['data']['version']}"
    assert seat.lines() == before
