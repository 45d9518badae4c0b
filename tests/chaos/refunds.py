"""What must hold of money on its way back: once for each request, to the fen, and an order is refunded when all is back."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.books import Books, group
from tests.chaos.findings import DOUBLED, LOST, STUCK, WRONG, Finding, chain

MOVES = {
    *((start, end) for start in ("requested", "accepted") for end in ("accepted", "succeeded", "abnormal", "closed")),
    *(("abnormal", end) for end in ("succeeded", "closed")),
} - {("accepted", "accepted")}
REFUNDED = 3


def find(books: Books) -> Iterator[Finding]:
    yield from _once_for_each_request(books)
    yield from _what_order_asked_for_was_taken_up(books)
    yield from _no_order_waits_for_a_refund_that_came_to_nothing(books)
    ours = {row["sn"]: row for row in books.ours["payment"]["refund"]}
    transitions = group(books.ours["payment"]["refund_transition"], "refund_id")
    for sn, row in ours.items():
        steps = sorted(transitions[row["id"]], key=lambda step: step["seq"])
        yield from chain(sn, [(step["from_state"], step["to_state"]) for step in steps], MOVES, row["state"])
    for row in books.sim["refund"]:
        known = ours.get(row["out_refund_no"])
        if known is None or known["refund_fen"] != row["amount"]:
            yield Finding(WRONG, row["out_refund_no"], f"WeChat refunds {row['amount']} fen, our books do not")
        elif (row["status"] == "SUCCESS") != (known["state"] == "succeeded"):
            yield Finding(LOST, row["out_refund_no"], f"WeChat says {row['status']}, our books {known['state']}")
    for sn, order in books.orders.items():
        paid, back = books.paid_fen.get(order["payment_sn"], 0), books.refunded_fen.get(order["payment_sn"], 0)
        if order["trade_state"] == REFUNDED and paid != back:
            yield Finding(WRONG, sn, f"refunded, and {back} of {paid} fen went back")


def _once_for_each_request(books: Books) -> Iterator[Finding]:
    succeeded = Counter(row["request_sn"] for row in books.ours["payment"]["refund"] if row["state"] == "succeeded")
    yield from (Finding(DOUBLED, sn, f"refunded {times} times") for sn, times in succeeded.items() if times > 1)
    ended_well = {row["out_refund_no"] for row in books.sim["refund"] if row["status"] == "SUCCESS"}
    requests = Counter(row["request_sn"] for row in books.ours["payment"]["refund"] if row["sn"] in ended_well)
    yield from (Finding(DOUBLED, sn, f"WeChat paid back {times} times") for sn, times in requests.items() if times > 1)


def _what_order_asked_for_was_taken_up(books: Books) -> Iterator[Finding]:
    taken_up = {row["request_sn"] for row in books.ours["payment"]["refund"]}
    for row in books.ours["order"]["order_payment"]:
        if row["refund_request_sn"] and row["refund_request_sn"] not in taken_up:
            yield Finding(LOST, row["refund_request_sn"], f"payment knows no refund of {row['payment_sn']}")


def _no_order_waits_for_a_refund_that_came_to_nothing(books: Books) -> Iterator[Finding]:
    requests = group(books.ours["payment"]["refund"], "request_sn")
    orders = {row["id"]: row for row in books.orders.values()}
    for row in books.ours["order"]["order_payment"]:
        states = {each["state"] for each in requests[row["refund_request_sn"]]}
        order = orders[row["order_id"]]
        if order["refund_state"] == "agreed" and order["refund_opened_at"] and states == {"closed"}:
            yield Finding(STUCK, order["sn"], "waits for a refund of which every number is closed")
