"""What must have come to each guest's phone. Each has an openid of its own: what came there is about that one order, and
each payment grants one message of each template."""

import json
from collections import Counter
from collections.abc import Iterator

from tests.chaos.books import Books, Row, group
from tests.chaos.findings import DOUBLED, LOST, WRONG, Finding

OF_THE_STAY, OF_THE_REFUND = ("支付成功通知", "入住提醒"), "退款成功通知"
WAIT_USE, REFUNDED = 1, 3


def find(books: Books) -> Iterator[Finding]:
    openids = {row["attach"]: row["openid"] for row in books.sim["payment_order"]}
    phones = group(books.sim["message"], "openid")
    for openid, came in phones.items():
        for title, times in Counter(row["title"] for row in came).items():
            if times > 1:
                yield Finding(DOUBLED, openid, f"{times} messages of template {title}")
    paid = {row["order_id"] for row in books.ours["order"]["order_transition"] if row["to_state"] == WAIT_USE}
    tasks = books.grouped("notification", "notification_task", "order_sn")
    for sn, order in books.orders.items():
        came = phones[openids.get(sn, "")]
        if order["id"] in paid:
            yield from _of_the_stay(order, came, tasks[sn])
        yield from _of_the_refund(books, order, [row for row in came if row["title"] == OF_THE_REFUND])


def _of_the_stay(order: Row, came: list[Row], tasks: list[Row]) -> Iterator[Finding]:
    """Both; an order that went on may have called off what was not out yet."""
    told = len({row["title"] for row in came} & {*OF_THE_STAY})
    called_off = sum(task["state"] == "cancelled" for task in tasks)
    if told + (0 if order["trade_state"] == WAIT_USE else called_off) < len(OF_THE_STAY):
        states = sorted((task["kind"], task["state"], task["reason"]) for task in tasks)
        yield Finding(LOST, order["sn"], f"paid, and {told} of 2 messages came; tasks: {states}")


def _of_the_refund(books: Books, order: Row, came: list[Row]) -> Iterator[Finding]:
    """One, of all that went back by WeChat's own ledger; to nobody else."""
    sn = order["sn"]
    if order["trade_state"] != REFUNDED:
        yield from (Finding(WRONG, sn, f"told of a refund, at {order['trade_state']}") for _ in came)
        return
    if not came:
        yield Finding(LOST, sn, "refunded, and its guest was not told")
    back = books.refunded_fen[order["payment_sn"]]
    for row in came:
        said = json.loads(row["data"])
        if (said["character_string1"], said["amount3"]) != (sn, f"¥{back // 100}.{back % 100:02d}"):
            yield Finding(WRONG, sn, f"{back} fen went back, and its guest was told {said}")
