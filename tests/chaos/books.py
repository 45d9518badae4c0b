"""All books as they stand, read with plain SQL past the services: ours, and the sandbox's own. Nothing of ours computes."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.machine import Machine

Row = dict[str, Any]
TABLES = {
    "order": (
        "homestay_order", "order_transition", "order_payment", "order_refund", "order_night", "homestay_night",
        "outbox", "inbox", "dead_letter",
    ),
    "payment": (
        "third_payment", "payment_transition", "refund", "refund_transition", "provider_notice", "order_closure",
        "outbox", "inbox", "dead_letter",
    ),
    "notification": ("notification_task", "delivery_attempt", "notification_transition", "inbox", "dead_letter"),
    "travel": ("homestay_night", "inbox", "dead_letter"),
}  # fmt: skip
SIM_TABLES = ("payment_order", "ledger", "refund", "message")


@dataclass
class Books:
    """`ours["order"]["outbox"]`, `sim["ledger"]`: rows as dicts. Orders of `known` runs before are left out."""

    ours: dict[str, dict[str, list[Row]]]
    sim: dict[str, list[Row]]
    orders: dict[str, Row] = field(init=False)
    payments: dict[str, Row] = field(init=False)
    paid_fen: dict[str, int] = field(init=False)
    refunded_fen: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.orders = {row["sn"]: row for row in self.ours["order"]["homestay_order"]}
        self.payments = {row["sn"]: row for row in self.ours["payment"]["third_payment"]}
        self.paid_fen, self.refunded_fen = defaultdict(int), defaultdict(int)
        for line in self.sim["ledger"]:
            sums = self.paid_fen if line["kind"] == "PAY" else self.refunded_fen
            sums[line["out_trade_no"]] += line["amount"]

    def grouped(self, service: str, table: str, column: str) -> dict[Any, list[Row]]:
        return group(self.ours[service][table], column)

    def without(self, order_sns: set[str]) -> "Books":
        """As if these orders, and all that is about them, had never been."""
        orders = {row["id"] for row in self.ours["order"]["homestay_order"] if row["sn"] in order_sns}
        payments = [row for row in self.ours["payment"]["third_payment"] if row["order_sn"] in order_sns]
        numbers, ids = {row["sn"] for row in payments}, {row["id"] for row in payments}
        tasks = {row["id"] for row in self.ours["notification"]["notification_task"] if row["order_sn"] in order_sns}
        refunds = {row["id"] for row in self.ours["payment"]["refund"] if row["order_sn"] in order_sns}
        payers = {row["openid"] for row in self.sim["payment_order"] if row["attach"] in order_sns}
        events = {
            row["event_id"]
            for service in ("order", "payment")
            for row in self.ours[service]["outbox"]
            if row["partition_key"] in order_sns
        }

        def about(row: Row) -> bool:
            return (
                row.get("order_sn") in order_sns
                or row.get("sn") in order_sns
                or row.get("partition_key") in order_sns
                or row.get("attach") in order_sns
                or row.get("order_id") in orders
                or row.get("payment_id") in ids
                or row.get("task_id") in tasks
                or row.get("refund_id") in refunds
                or row.get("out_trade_no") in numbers
                or row.get("openid") in payers
                or row.get("event_id") in events
            )

        ours = {
            service: {table: [row for row in rows if not about(row)] for table, rows in tables.items()}
            for service, tables in self.ours.items()
        }
        ours["order"]["homestay_night"] = self._nights_without(orders)
        ours["order"]["every_night"] = self.ours["order"]["homestay_night"]  # as they are, which is what travel knows
        return Books(ours, {table: [row for row in rows if not about(row)] for table, rows in self.sim.items()})

    def _nights_without(self, orders: set[int]) -> list[Row]:
        """What is taken, without what these orders hold; the stock without it, too."""
        homestays = {row["id"]: row["homestay_id"] for row in self.orders.values()}
        held: Counter[tuple[int, date]] = Counter()
        for row in self.ours["order"]["order_night"]:
            if row["order_id"] in orders:
                held[homestays[row["order_id"]], row["night"]] += row["units"]
        nights = [(row, held[row["homestay_id"], row["night"]]) for row in self.ours["order"]["homestay_night"]]
        return [row | {"taken": row["taken"] - less, "stock": row["stock"] - less} for row, less in nights]


def group(rows: Iterable[Row], column: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found


def read(machine: Machine) -> Books:
    return Books(
        {service: _tables(machine.real_url(service), tables) for service, tables in TABLES.items()}, _sandbox(machine)
    )


def order_numbers(machine: Machine) -> set[str]:
    return {row["sn"] for row in rows(machine.real_url("order"), "select sn from homestay_order")}


def rows(url: str, query: str, *parameters: Any) -> list[Row]:
    with psycopg.connect(url, row_factory=dict_row, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


def _tables(url: str, names: Iterable[str]) -> dict[str, list[Row]]:
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return {name: connection.execute(f"select * from {name}".encode()).fetchall() for name in names}  # noqa: S608 - names of ours


def _sandbox(machine: Machine) -> dict[str, list[Row]]:
    """The sandbox's file itself: its control API shows no more than the newest two hundred of some books. A message's
    template has its title beside it."""
    with sqlite3.connect(f"file:{machine.run}/wechatsim/store.db?mode=ro", uri=True) as store:
        store.row_factory = sqlite3.Row
        found = {name: [dict(row) for row in store.execute(f"select * from {name}")] for name in SIM_TABLES}  # noqa: S608 - names of ours
    store.close()
    merchant = json.loads((machine.where.keys / "merchant.json").read_text())
    titles = {template["id"]: template["title"] for template in merchant["templates"]}
    for row in found["message"]:
        row["title"] = titles[row["template_id"]]
    return found
