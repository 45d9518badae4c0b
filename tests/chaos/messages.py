"""What must have come to each guest's phone, and to the merchant's. Each guest has an openid of its own: what came there is
about that one order, and each payment grants one message of each template."""

import json
from collections import Counter
from collections.abc import Iterator

from tests.chaos.books import Books, Row, group
from tests.chaos.findings import DOUBLED, LOST, WRONG, Finding

OF_THE_STAY, OF_THE_REFUND = ("支付成功通知", "入住提醒"), "退款成功通知"
TO_THE_MERCHANT = "退款申请提醒"
WAIT_USE, REFUNDED = 1, 3
REFUND_TOPIC = "order-update-refund-topic"


def find(books: Books) -> Iterator[Finding]:
    openids = {row["attach"]: row["openid"] for row in books.sim["payment_order"]}
    phones = group(books.sim["message"], "openid")
    for openid, came in phones.items():
        for title, times in Counter(row["title"] for row in came if row["title"] in OF_THE_STAY).items():
            if times > 1:
                yield Finding(DOUBLED, openid, f"{times} messages of template {title}")
    yield from _to_the_merchant(books)
    paid = {row["order_id"] for row in books.ours["order"]["order_transition"] if row["to_state"] == WAIT_USE}
    tasks = books.grouped("notification", "notification_task", "order_sn")
    for sn, order in books.orders.items():
        came = phones[openids.get(sn, "")]
        if order["id"] in paid:
            yield from _of_the_stay(order, came, tasks[sn])
        yield from _of_refunds(books, order, [row for row in came if row["title"] == OF_THE_REFUND])


def _of_the_stay(order: Row, came: list[Row], tasks: list[Row]) -> Iterator[Finding]:
    """Both; an order that went on may have called off what was not out yet."""
    told = len({row["title"] for row in came} & {*OF_THE_STAY})
    called_off = sum(task["state"] == "cancelled" for task in tasks)
    if told + (0 if order["trade_state"] == WAIT_USE else called_off) < len(OF_THE_STAY):
        states = sorted((task["kind"], task["state"], task["reason"]) for task in tasks)
        yield Finding(LOST, order["sn"], f"paid, and {told} of 2 messages came; tasks: {states}")


def _of_refunds(books: Books, order: Row, came: list[Row]) -> Iterator[Finding]:
    """One for each time that money came back, with its amount; together they are what went back by WeChat's own ledger."""
    sn = order["sn"]
    known = [row for row in books.ours["order"]["order_payment"] if row["order_id"] == order["id"]]
    news = [
        row["event"]["data"]
        for row in books.grouped("order", "outbox", "partition_key")[sn]
        if row["topic"] == REFUND_TOPIC and row["event"]["data"]["refundState"] in {"returned", "part-returned"}
    ]
    amounts = [data["refundFen"] for data in news]
    if order["trade_state"] == REFUNDED and order["refund_fen"]:
        amounts.append(order["refund_fen"])
    back = sum(books.refunded_fen[row["payment_sn"]] for row in known)
    if sum(amounts) != back:
        yield Finding(WRONG, sn, f"{back} fen went back, and {sum(amounts)} are told of")
    due = Counter((sn, _yuan(fen)) for fen in amounts)
    told = Counter(_said(row) for row in came)
    for (number, amount), times in (due - told).items():
        yield Finding(LOST, number, f"{amount} went back, and {times} times its guest was not told")
    for (number, amount), times in (told - due).items():
        kind = DOUBLED if due[number, amount] else WRONG
        yield Finding(kind, sn, f"told {times} times too often that {amount} of {number} is back")


def _to_the_merchant(books: Books) -> Iterator[Finding]:
    """Each request that waits for its merchant is told once at the most; decided before it was out, it is called off. What
    was called off after an attempt whose outcome is unknown may have come."""
    of = books.ours["notification"]
    tasks = [row for row in of["notification_task"] if row["kind"] == "refund_asked"]
    unclear = {row["task_id"] for row in of["delivery_attempt"] if row["outcome"] == "unknown"}
    orders = Counter(row["order_sn"] for row in tasks if row["state"] == "sent")
    perhaps = Counter(row["order_sn"] for row in tasks if row["state"] == "cancelled" and row["id"] in unclear)
    came = Counter(_said(row)[0] for row in books.sim["message"] if row["title"] == TO_THE_MERCHANT)
    for sn in orders.keys() | came.keys():
        if sn in books.orders and not orders[sn] <= came[sn] <= orders[sn] + perhaps[sn]:
            kind = LOST if orders[sn] > came[sn] else DOUBLED
            yield Finding(kind, sn, f"{orders[sn]} messages to its merchant by our books, {came[sn]} came")


def _said(row: Row) -> tuple[str, str]:
    said = json.loads(row["data"])
    return said["character_string1"], said["amount3"]


def _yuan(fen: int) -> str:
    return f"¥{fen // 100}.{fen % 100:02d}"
