"""Waiting orders and payments in numbers, copied in SQL from one that was truly booked and prepaid."""

import secrets
from collections.abc import Sequence

from tests.support.system import System

PREFIX_DIGITS = 14


def waiting_payments(system: System, count: int) -> list[tuple[str, int]]:
    """`count` orders that wait for their payments; returns (payment number, total in fen) of each."""
    order_sn = system.book()
    payment_sn = system.prepay(order_sn)["paymentSn"]
    series = secrets.randbelow(10**8 - count)
    day = order_sn[3 : 3 + PREFIX_DIGITS]
    number = f"'{day}' || lpad((n + {series})::text, 8, '0')"
    _copy(system, "order", "homestay_order", f"where sn = '{order_sn}'", count, {"sn": f"'HSO' || {number}"})
    system.rows(
        "order",
        "insert into order_transition (order_id, seq, to_state, cause, created_at) select id, 1, 0, 'created', created_at"
        " from homestay_order o where not exists (select from order_transition t where t.order_id = o.id)",
    )
    changes = {"sn": f"'PMT' || {number}", "order_sn": f"'HSO' || {number}", "next_query_at": "now() + '1 day'"}
    _copy(system, "payment", "third_payment", f"where sn = '{payment_sn}'", count, changes)
    for service, table in (("order", "homestay_order"), ("payment", "third_payment")):
        system.rows(service, f"analyze {table}")
    [payment] = system.rows("payment", "select total_fen from third_payment where sn = %s", payment_sn)
    return [(f"PMT{day}{n + series:08d}", payment["total_fen"]) for n in range(1, count + 1)]


def paid_orders(system: System, payments: Sequence[tuple[str, int]]) -> int:
    """How many of the orders have come to wait-use."""
    first, last = (f"HSO{payments[place][0][3:]}" for place in (0, -1))
    [row] = system.rows(
        "order", "select count(*) from homestay_order where trade_state = 1 and sn between %s and %s", first, last
    )
    return int(row["count"])


def _copy(system: System, service: str, table: str, which: str, count: int, changes: dict[str, str]) -> None:
    columns = [
        row["column_name"]
        for row in system.rows(
            service,
            "select column_name from information_schema.columns where table_name = %s and column_name <> 'id'",
            table,
        )
        if row["column_name"] != "request_key"
    ]
    chosen = ", ".join(changes.get(column, f"t.{column}") for column in columns)
    system.rows(
        service,
        f"insert into {table} ({', '.join(columns)}) select {chosen} from {table} t,"  # noqa: S608 - names of our own
        f" generate_series(1, {count}) n {which.replace('where ', 'where t.')}",
    )
