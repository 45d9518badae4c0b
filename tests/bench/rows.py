"""What a payment costs when the tables hold years of them: the same burst before and after the tables are filled.

The rows are old, paid payments and used orders with their transitions, copied in SQL; the outbox keeps what pruning
leaves, which is days and not years.
"""

from tests.bench import seeding
from tests.bench.bursts import Burst, burst
from tests.bench.figures import Figure
from tests.support.system import System

CHUNK = 250_000
SMALLEST_BURST, LARGEST_BURST = 300, 3000
TABLES = {
    "payment": ("third_payment", "payment_transition"),
    "order": ("homestay_order", "order_transition", "order_payment"),
}
PAY = (
    "update third_payment set pay_status = 1, version = 2, trade_state = 'SUCCESS', bank_type = 'OTHERS',"
    " transaction_id = '4288' || right(sn, 22), pay_time = now() - interval '40 days' where sn = %s"
)
USE = (
    "update homestay_order set trade_state = 2, version = 3, checkin_code = '00000000', payment_sn = %s,"
    " paid_at = now() - interval '40 days', live_start_date = current_date - 40, live_end_date = current_date - 39"
    " where sn = %s"
)
PAID_TRANSITIONS = (
    "insert into payment_transition (payment_id, seq, from_status, to_status, source)"
    " select id, 2, 0, 1, 'callback' from third_payment where id > %s"
)
USED_TRANSITIONS = (
    "insert into order_transition (order_id, seq, from_state, to_state, cause, created_at)"
    " select o.id, s.seq, s.from_state, s.to_state, s.cause, o.created_at from homestay_order o,"
    " (values (1, null, 0, 'created'), (2, 0, 1, 'paid'), (3, 1, 2, 'used')) s (seq, from_state, to_state, cause)"
    " where o.id > %s"
)
ORDER_PAYMENTS = (
    "insert into order_payment (order_id, payment_sn, version, pay_status, total_fen, paid_at, created_at)"
    " select id, payment_sn, 2, 1, order_total_fen, paid_at, created_at from homestay_order where id > %s"
)


def rows(system: System, count: int) -> list[Figure]:
    """Fill the tables with `count` payments and their orders; a burst before it and one after it."""
    size = min(LARGEST_BURST, max(SMALLEST_BURST, count // 100))
    before = burst(system, size, messages=False)
    had = _rows(system)
    fill(system, count)
    burst(system, size // 3, messages=False)  # the new tables' pages and plans
    scanned = _scans(system)
    after = burst(system, size, messages=False)
    scans = {table: number - scanned[table] for table, number in _scans(system).items() if number > scanned[table]}
    ratio = 100 * _sum(after) / _sum(before)
    gigabytes = sum(_bytes(system, service, table) for service, tables in TABLES.items() for table in tables) / 1e9
    note = f"{_rows(system):,} payments, {gigabytes:.1f} GB with their orders; {had:,} before;"
    note += f" {_sum(before):.2f} → {_sum(after):.2f} ms; sequential scans, ours among them: {scans}"
    title = f"processor time with {count:,} more payments"
    return [Figure(title, "%", ratio, None, 110, less_is_better=True, by_part=after.ms, note=note)]


def fill(system: System, count: int) -> None:
    """In chunks, so that the log of one transaction stays small."""
    for first in range(0, count, CHUNK):
        order_sn = system.book()
        payment_sn = system.prepay(order_sn)["paymentSn"]
        copy(system, order_sn, payment_sn, min(CHUNK, count - first))
    for service, tables in TABLES.items():
        for table in tables:
            system.rows(service, f"vacuum analyze {table}")


def copy(system: System, order_sn: str, payment_sn: str, count: int) -> None:
    """Make the order used and its payment paid, long ago; then so many copies of both with all that belongs to them."""
    system.rows("payment", PAY, payment_sn)
    system.rows("order", USE, payment_sn, order_sn)
    payment_id, order_id = _newest(system, "payment", "third_payment"), _newest(system, "order", "homestay_order")
    seeding.paid_copies(system, order_sn, payment_sn, count)
    system.rows("payment", PAID_TRANSITIONS, payment_id)
    system.rows("order", USED_TRANSITIONS, order_id)
    system.rows("order", ORDER_PAYMENTS, order_id)


def _sum(found: Burst) -> float:
    return sum(found.ms.values())


def _newest(system: System, service: str, table: str) -> int:
    return int(system.rows(service, f"select max(id) as id from {table}")[0]["id"])  # noqa: S608 - names of our own


def _rows(system: System) -> int:
    return int(system.rows("payment", "select count(*) as n from third_payment")[0]["n"])


def _bytes(system: System, service: str, table: str) -> int:
    return int(system.rows(service, "select pg_total_relation_size(%s::regclass) as n", table)[0]["n"])


def _scans(system: System) -> dict[str, int]:
    """How often each table was read from end to end so far."""
    query = "select relname, seq_scan from pg_stat_user_tables where relname = any(%s)"
    found = [row for service, tables in TABLES.items() for row in system.rows(service, query, list(tables))]
    return {row["relname"]: row["seq_scan"] for row in found}
