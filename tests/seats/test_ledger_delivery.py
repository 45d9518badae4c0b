"""The ledger behind a real daprd and Kafka: what is poison, and how long an event waits."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import KafkaProducer

from stack import graph, layout, leftovers, ports, system
from stack.layout import REPO
from stack.parts import all_parts
from stack.processes import Processes
from tests.support.stack import free_offset
from tests.support.waiting import eventually

TOPIC = "payment-update-paystatus-topic"
PARTS = ("kafka", "ledger", "ledger-daprd")
MORE_THAN_OTHERS_TRY = 6
"""After four attempts the other services' events are dead letters (dapr/resiliency)."""
LARGE = 900_000
EXAMPLE = json.loads((REPO / "contracts/events/examples/paystatus-updated.v1.json").read_text())


class Quiet:
    """Watches steps and says nothing."""

    def waiting_for(self, names: list[str], elapsed: float) -> None:
        """Nothing to do."""

    def done(self, name: str, took: float) -> None:
        """Nothing to do."""


@dataclass
class Ledger:
    where: layout.Layout
    producer: KafkaProducer
    numbers: int = 0

    @property
    def folder(self) -> Path:
        return self.where.run / "ledger"

    def event(self, **data: Any) -> dict[str, Any]:
        """A paid payment that no event has told of before."""
        self.numbers += 1
        number = f"{self.numbers:022d}"
        return {
            "specversion": "1.0",
            "id": f"event-{number}",
            "source": "minsu/payment",
            "type": "minsu.payment.paystatus-updated.v1",
            "time": "2026-11-23T01:31:21Z",
            "datacontenttype": "application/json",
            "data": {**EXAMPLE, "orderSn": f"HSO{number}", "paymentSn": f"PMT{number}", **data},
        }

    def publish(self, message: dict[str, Any] | bytes) -> None:
        """All under one key: what is published first must not hold up, or be held up by, what comes after it."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.producer.send(TOPIC, body, key=b"one").get(30)

    def booked(self) -> set[str]:
        """The numbers of payments in its files."""
        lines = [line.split(",") for file in self.folder.glob("*.csv") for line in file.read_text().splitlines()[1:]]
        return {line[6] for line in lines if len(line) > 6}

    def letters(self) -> list[dict[str, Any]]:
        file = self.folder / "dead-letters.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.where.url("ledger") + path, timeout=10)

    def handled(self, outcome: str) -> int:
        return int(self.get("/metrics").text.partition(f'{{topic="{TOPIC}",outcome="{outcome}"}} ')[2].split()[0])


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    run = Path(tempfile.mkdtemp(prefix="ledger-", dir=leftovers.session_folder() or leftovers.PLACE))
    env = {"MINSU_RUN_DIR": str(run), "PORT_OFFSET": str(free_offset()), "SEAT_LEDGER": "node"}
    where = layout.plan(env)
    environment, postgres = system.prepare(where, env)
    processes = Processes(run)
    # Kafka's client would leave a connection open for each time that it asks in vain.
    parts = [
        replace(part, why_not_ready=lambda: "closed" if ports.free(where.port("kafka")) else None)
        if part.name == "kafka"
        else part
        for part in all_parts(environment, postgres)
        if part.name in PARTS
    ]
    ports.require_free({part.name: part.ports for part in parts})
    try:
        steps = system.steps(environment, postgres, parts, processes)
        graph.run([step for step in steps if step.name in {*PARTS, "topics", "ledger build"}], Quiet())
        with closing(KafkaProducer(**environment.broker.login(), acks="all", max_request_size=2 * LARGE)) as producer:
            yield Ledger(where, producer)
    finally:
        processes.stop(processes.recorded())
        shutil.rmtree(run, ignore_errors=True)


POISON: list[tuple[bytes, str]] = [
    (b"{not json", "event: "),
    (b"\xff\xfe", "event: "),
    (b"", "type: "),
    (b"42", "event: "),
    (b"[" * 50_000 + b"]" * 50_000, "event: "),
    (json.dumps({"junk": "x" * LARGE}).encode(), "source: "),
]


@pytest.mark.parametrize("place", range(len(POISON)))
def test_bytes_that_are_no_event_are_a_dead_letter_and_hold_up_nothing(ledger, place):
    message, reason = POISON[place]
    letters, behind = ledger.letters(), ledger.event()

    ledger.publish(message)
    ledger.publish(behind)

    eventually(lambda: behind["data"]["paymentSn"] in ledger.booked(), what="the event behind is booked", seconds=30)
    eventually(lambda: len(ledger.letters()) == len(letters) + 1, what="the letter is kept", seconds=30)
    assert ledger.letters()[-1]["reason"].startswith(reason)


@pytest.mark.parametrize("amount", ["9007199254740993", "1" * 4300, "1e400", "19900.5", '"19900"', "-1", "null"])
def test_an_amount_that_is_none_is_never_booked(ledger, amount):
    letters, event = ledger.letters(), ledger.event()

    ledger.publish(json.dumps(event).replace(": 19900", f": {amount}").encode())

    eventually(lambda: len(ledger.letters()) == len(letters) + 1, what="the letter is kept", seconds=30)
    assert "data.totalFen" in ledger.letters()[-1]["reason"]
    assert event["data"]["paymentSn"] not in ledger.booked()


def test_an_event_waits_as_long_as_its_file_cannot_be_written(ledger):
    before, late = ledger.event(), ledger.event()
    ledger.publish(before)
    eventually(lambda: before["data"]["paymentSn"] in ledger.booked(), what="the first is booked", seconds=30)
    [file] = ledger.folder.glob("*.csv")
    whole, letters, retries = file.read_bytes(), ledger.letters(), ledger.handled("RETRY")

    file.write_bytes(whole + b"x")
    ledger.publish(late)
    eventually(lambda: ledger.handled("RETRY") >= retries + MORE_THAN_OTHERS_TRY, what="it is retried", seconds=60)
    unready = ledger.get("/readyz")
    assert (unready.status_code, str(file) in unready.json()["status"]) == (503, True)
    assert file.read_bytes() == whole + b"x"

    file.write_bytes(whole)
    eventually(lambda: late["data"]["paymentSn"] in ledger.booked(), what="it is booked", seconds=60)
    assert ledger.get("/readyz").status_code == 200
    assert ledger.letters() == letters
