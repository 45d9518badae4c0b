"""What should have come to rest and has not: no event, order, payment, refund or message waits for ever."""

from collections.abc import Iterator

from tests.chaos.books import Books
from tests.chaos.findings import STUCK, Finding

ON_ITS_WAY = {"requested", "accepted"}
WAITS_FOR_AN_OPERATOR = {"abnormal", "closed"}


def find(books: Books) -> Iterator[Finding]:
    yield from _events(books)
    yield from _orders(books)
    for sn, payment in books.payments.items():
        if payment["pay_status"] == 0:
            yield Finding(STUCK, sn, f"payment open, asked {payment['tries']} times")
    for row in books.ours["payment"]["refund"]:
        if row["state"] in ON_ITS_WAY:
            yield Finding(STUCK, row["sn"], f"refund is {row['state']}")
    for row in books.ours["notification"]["notification_task"]:
        if row["state"] in {"pending", "dead", "refused", "invalid"}:
            yield Finding(STUCK, row["order_sn"], f"message {row['kind']} is {row['state']}: {row['reason']}")


def _events(books: Books) -> Iterator[Finding]:
    for service in ("order", "payment"):
        for row in books.ours[service]["outbox"]:
            if row["published_at"] is None:
                yield Finding(STUCK, row["partition_key"], f"event {row['event_id']} was never published")
    for service in ("order", "payment", "notification"):
        for row in books.ours[service]["dead_letter"]:
            if row["state"] in {"waiting", "poison"}:
                yield Finding(STUCK, row["event_id"], f"dead letter of {service}, {row['state']}: {row['reason']}")


def _orders(books: Books) -> Iterator[Finding]:
    refunds = books.grouped("payment", "refund", "order_sn")
    for sn, order in books.orders.items():
        if order["trade_state"] == 0:
            yield Finding(STUCK, sn, f"still waits for payment, closing since {order['closing_at']}")
        ends = {row["state"] for row in refunds[sn]}
        if order["refund_opened_at"] and not ends & WAITS_FOR_AN_OPERATOR:
            yield Finding(STUCK, sn, f"its refund was opened at {order['refund_opened_at']}; refunds: {ends}")
