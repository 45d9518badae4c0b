"""What must hold of money on its way back: once for each request, to the fen, what the policy gives, and an order is
refunded when that is back."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone

from tests.chaos.books import Books, Row, group
from tests.chaos.findings import DOUBLED, LOST, STUCK, WRONG, Finding, chain

MOVES = {
    *((start, end) for start in ("requested", "accepted") for end in ("accepted", "succeeded", "abnormal", "closed")),
    *(("abnormal", end) for end in ("succeeded", "closed")),
} - {("accepted", "accepted")}
REFUNDED = 3
SHANGHAI = timezone(timedelta(hours=8))
SHARES = {
    "flexible": [(0, 100)],
    "moderate": [(5, 100), (1, 50)],
    "strict": [(14, 100), (7, 50)],
}
"""By policy: from how many days before the day of arrival on, the percent that goes back."""


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
        back = books.refunded_fen.get(order["payment_sn"], 0)
        if order["refunded_fen"] != back:
            yield Finding(WRONG, sn, f"{order['refunded_fen']} fen went back by its own books, {back} by WeChat's")
        if order["trade_state"] == REFUNDED and (order["refund_fen"] is None or order["refund_fen"] > back):
            yield Finding(WRONG, sn, f"refunded, and {back} of {order['refund_fen']} fen went back")
    yield from _what_went_back_is_what_the_policy_gives(books)


def _once_for_each_request(books: Books) -> Iterator[Finding]:
    succeeded = Counter(row["request_sn"] for row in books.ours["payment"]["refund"] if row["state"] == "succeeded")
    yield from (Finding(DOUBLED, sn, f"refunded {times} times") for sn, times in succeeded.items() if times > 1)
    ended_well = {row["out_refund_no"] for row in books.sim["refund"] if row["status"] == "SUCCESS"}
    requests = Counter(row["request_sn"] for row in books.ours["payment"]["refund"] if row["sn"] in ended_well)
    yield from (Finding(DOUBLED, sn, f"WeChat paid back {times} times") for sn, times in requests.items() if times > 1)


def _what_order_asked_for_was_taken_up(books: Books) -> Iterator[Finding]:
    taken_up = {row["request_sn"] for row in books.ours["payment"]["refund"]}
    for row in books.ours["order"]["order_refund"]:
        if row["request_sn"] not in taken_up:
            yield Finding(LOST, row["request_sn"], f"payment knows no refund of {row['payment_sn']}")


def _no_order_waits_for_a_refund_that_came_to_nothing(books: Books) -> Iterator[Finding]:
    requests = group(books.ours["payment"]["refund"], "request_sn")
    orders = {row["id"]: row for row in books.orders.values()}
    for row in books.ours["order"]["order_refund"]:
        states = {each["state"] for each in requests[row["request_sn"]]}
        order = orders[row["order_id"]]
        is_told = row["cause"] in {"buyer", "goodwill"}
        if row["state"] == "requested" and is_told and states == {"closed"}:
            yield Finding(STUCK, order["sn"], "waits for a refund of which every number is closed")
        if row["state"] == "requested" and "succeeded" in states:
            yield Finding(LOST, order["sn"], f"has not heard that {row['refund_fen']} fen went back")


def _what_went_back_is_what_the_policy_gives(books: Books) -> Iterator[Finding]:
    """Where no host was asked. Orders whose dates a guest's plan has moved say nothing."""
    requests = group((row for row in books.ours["order"]["order_refund"] if row["cause"] == "buyer"), "order_id")
    moves = books.grouped("order", "order_transition", "order_id")
    for sn, order in books.orders.items():
        if order["trade_state"] != REFUNDED or order["refund_least_fen"] is not None or _moved(order):
            continue
        asked = [row["requested_at"] for row in requests[order["id"]]]
        asked = asked or [row["created_at"] for row in moves[order["id"]] if row["to_state"] == REFUNDED]
        share = _share(order, min(asked))
        if order["refund_fen"] != share:
            yield Finding(WRONG, sn, f"{order['refund_fen']} fen went back, by its policy it is {share}")


def _share(order: Row, at: datetime) -> int:
    there = at.astimezone(SHANGHAI)
    if there >= datetime.combine(order["live_start_date"], time(12), SHANGHAI):
        return 0
    days = (order["live_start_date"] - there.date()).days
    percent = next((percent for least, percent in SHARES[order["cancel_policy"]] if days >= least), 0)
    return int(order["order_total_fen"] * percent + 50) // 100


def _moved(order: Row) -> bool:
    begins: date = order["live_start_date"]
    created: datetime = order["created_at"]
    return begins < created.astimezone(SHANGHAI).date()
