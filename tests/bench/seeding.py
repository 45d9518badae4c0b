"""Orders, payments and messages in numbers, copied in SQL from one that was truly booked and prepaid."""

import secrets
from dataclasses import dataclass

from tests.support.system import System

PREFIX_DIGITS = 14
TRANSITIONS = (
    "insert into order_transition (order_id, seq, to_state, cause, created_at)"
    " select id, 1, 0, 'created', created_at from homestay_order where sn between %s and %s"
)

# A buyer has few unpaid orders, and a bench needs thousands of them: neither this one nor its copies are counted.
NOT_COUNTED = "update homestay_order set unpaid_slot = null where sn = %s returning order_total_fen"


@dataclass(frozen=True)
class Orders:
    """`count` orders whose numbers follow one another, and the numbers their payments have or would have."""

    day: str
    series: int
    count: int
    total_fen: int

    def order_sns(self) -> list[str]:
        return [f"HSO{self.day}{self.series + n:08d}" for n in range(1, self.count + 1)]

    def payment_sns(self) -> list[str]:
        return [f"PMT{self.day}{self.series + n:08d}" for n in range(1, self.count + 1)]

    @property
    def number(self) -> str:
        """The same in SQL, for `n` from 1."""
        return f"'{self.day}' || lpad((n + {self.series})::text, 8, '0')"

    @property
    def between(self) -> tuple[str, str]:
        first, *_, last = self.order_sns()
        return first, last


def waiting_orders(system: System, count: int) -> Orders:
    """Orders that were booked and have no payment yet."""
    return _orders(system, system.book(), count)


def waiting_payments(system: System, count: int) -> Orders:
    """Orders that wait for a payment that was prepaid."""
    order_sn = system.book()
    payment_sn = system.prepay(order_sn)["paymentSn"]
    orders = _orders(system, order_sn, count)
    changes = {
        "sn": f"'PMT' || {orders.number}",
        "order_sn": f"'HSO' || {orders.number}",
        "due_at": "now() + interval '1 day'",
    }
    _copy(system, "payment", "third_payment", "sn", payment_sn, orders, changes)
    return orders


def paid_copies(system: System, order_sn: str, payment_sn: str, count: int) -> Orders:
    """Copies of an order and its payment, as they are now."""
    orders = Orders(order_sn[3 : 3 + PREFIX_DIGITS], secrets.randbelow(10**8 - count), count, 0)
    payment = {
        "sn": f"'PMT' || {orders.number}",
        "order_sn": f"'HSO' || {orders.number}",
        "transaction_id": f"'4288' || {orders.number}",
    }
    _copy(system, "payment", "third_payment", "sn", payment_sn, orders, payment)
    order = {"sn": f"'HSO' || {orders.number}", "payment_sn": f"'PMT' || {orders.number}"}
    _copy(system, "order", "homestay_order", "sn", order_sn, orders, order)
    return orders


def paid_orders(system: System, orders: Orders) -> int:
    query = "select count(*) from homestay_order where trade_state = 1 and sn between %s and %s"
    return int(system.rows("order", query, *orders.between)[0]["count"])


def settled_payments(system: System, orders: Orders) -> int:
    query = "select count(*) from third_payment where pay_status = 1 and order_sn between %s and %s"
    return int(system.rows("payment", query, *orders.between)[0]["count"])


def accept_messages(system: System, count: int) -> None:
    """The guest accepts `count` more messages of every template; without that WeChat refuses to send them."""
    grant = {"openid": system.environment["WXPAY_OPENID"], "count": count}
    assert system.wechat.post("/_sim/grant", json=grant).is_success


def messages_to_send(system: System, orders: Orders) -> int:
    """How many of the orders have no paid message that has ended, one way or another."""
    query = (
        "select count(*) from notification_task"
        " where kind = 'paid' and state <> 'pending' and order_sn between %s and %s"
    )
    return orders.count - int(system.rows("notification", query, *orders.between)[0]["count"])


def messages_to_plan(system: System, orders: Orders) -> int:
    """How many of the orders have no paid message at all yet."""
    query = "select count(*) from notification_task where kind = 'paid' and order_sn between %s and %s"
    return orders.count - int(system.rows("notification", query, *orders.between)[0]["count"])


def forget_messages(system: System, orders: Orders) -> None:
    """Delete their messages that no attempt was made for, so that they are in nothing's way."""
    query = (
        "delete from notification_task where state = 'pending' and attempts = 0"
        " and (leased_until is null or leased_until < now()) and order_sn between %s and %s"
    )
    system.rows("notification", query, *orders.between)


def _orders(system: System, order_sn: str, count: int) -> Orders:
    [order] = system.rows("order", NOT_COUNTED, order_sn)
    orders = Orders(order_sn[3 : 3 + PREFIX_DIGITS], secrets.randbelow(10**8 - count), count, order["order_total_fen"])
    _copy(system, "order", "homestay_order", "sn", order_sn, orders, {"sn": f"'HSO' || {orders.number}"})
    system.rows("order", TRANSITIONS, *orders.between)
    return orders


def _copy(
    system: System, service: str, table: str, key: str, value: str, orders: Orders, changes: dict[str, str]
) -> None:
    query = "select column_name from information_schema.columns where table_name = %s and column_name <> 'id'"
    columns = [row["column_name"] for row in system.rows(service, query, table)]
    columns = [column for column in columns if column != "request_key"]
    chosen = ", ".join(changes.get(column, f"t.{column}") for column in columns)
    system.rows(
        service,
        f"insert into {table} ({', '.join(columns)}) select {chosen} from {table} t,"  # noqa: S608 - names of our own
        f" generate_series(1, {orders.count}) n where t.{key} = '{value}'",
    )
    system.rows(service, f"analyze {table}")
