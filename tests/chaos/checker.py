"""What must hold when all is quiet, said a second time and independently of the services: from their tables, from the
sandbox's own ledger and messages, and from the journal. Nothing here imports code under test."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos import messages, nights, refunds, stuck
from tests.chaos.books import Books, Row, group
from tests.chaos.findings import DOUBLED, LOST, WRONG, Finding, chain

ORDER_MOVES = {(None, 0), (0, 1), (0, -1), (1, 2), (1, 3), (1, 4)}
PART_BACK, ALL_BACK = (1, 1), (1, 2)
PAYMENT_MOVES = {(0, 1), (0, -1), (-1, 1), ALL_BACK}
LIVE, REFUNDED, WAIT_USE, HAD_MONEY = {1, 2, 4}, 3, 1, {1, 2, 3, 4}
PAYMENT_STATUS_TOPIC, TRADE_STATE_TOPIC = "payment-update-paystatus-topic", "order-update-tradestate-topic"
CONSUMER = {
    PAYMENT_STATUS_TOPIC: "order",
    TRADE_STATE_TOPIC: "notification",
    "order-update-refund-topic": "notification",
    "order-refund-requested-topic": "payment",
    "payment-refund-failed-topic": "order",
    "order-nights-topic": "travel",
}


def check(books: Books, acknowledged: list[Row]) -> list[Finding]:
    """Every invariant; no finding is good. `acknowledged`: bookings that a guest was told of."""
    found: list[Finding] = []
    found += money(books)
    found += refunds.find(books)
    found += nights.find(books)
    found += no_order_paid_for_nothing(books)
    found += orders_move_legally(books)
    found += payments_move_legally(books)
    found += every_change_was_told_once(books)
    found += every_event_was_taken(books)
    found += messages.find(books)
    found += bookings_are_kept(books, acknowledged)
    found += stuck.find(books)
    return found


def money(books: Books) -> Iterator[Finding]:
    """What WeChat holds is on a live order, or was kept of a cancelled one, or went back, or is flagged for review; to the
    fen, and in our books too."""
    notices = group(books.ours["payment"]["provider_notice"], "out_trade_no")
    for number, paid in books.paid_fen.items():
        held = paid - books.refunded_fen[number]
        payment = books.payments.get(number)
        if payment is None:
            if number not in notices:
                yield Finding(LOST, number, f"WeChat holds {held} fen under a number that payment does not know")
            continue
        if payment["pay_status"] not in {1, 2} or payment["total_fen"] != paid:
            yield Finding(LOST, number, f"WeChat took {paid} fen, our payment says {payment['pay_status']}")
        if payment["refunded_fen"] != books.refunded_fen[number]:
            wrong = f"{payment['refunded_fen']} fen went back by our books, {books.refunded_fen[number]} by WeChat's"
            yield Finding(WRONG, number, wrong)
        order = books.orders.get(payment["order_sn"])
        is_on_order = order is not None and order["payment_sn"] == number and _holds(order, held)
        in_review = any(row["state"] == "needs_review" and row["out_refund_no"] for row in notices[number])
        if held and not is_on_order and not in_review:
            state = None if order is None else order["trade_state"]
            yield Finding(LOST, number, f"WeChat holds {held} fen, its order {payment['order_sn']} is at {state}")
        if not held and is_on_order and order and order["trade_state"] == WAIT_USE:
            yield Finding(WRONG, number, "all of it went back, and the order can still be used")
    for number, payment in books.payments.items():
        if payment["pay_status"] in {1, 2} and not books.paid_fen.get(number):
            yield Finding(WRONG, number, "paid by our books, not by WeChat's")


def _holds(order: Row, held: int) -> bool:
    kept: int = order["order_total_fen"] - order["refunded_fen"]
    return order["trade_state"] in LIVE or (order["trade_state"] == REFUNDED and held == kept)


def no_order_paid_for_nothing(books: Books) -> Iterator[Finding]:
    for sn, order in books.orders.items():
        if order["trade_state"] in HAD_MONEY and books.paid_fen.get(order["payment_sn"]) != order["order_total_fen"]:
            got = books.paid_fen.get(order["payment_sn"])
            yield Finding(WRONG, sn, f"at {order['trade_state']}, {order['order_total_fen']} fen, WeChat took {got}")


def orders_move_legally(books: Books) -> Iterator[Finding]:
    transitions = books.grouped("order", "order_transition", "order_id")
    for sn, order in books.orders.items():
        rows = sorted(transitions[order["id"]], key=lambda row: row["seq"])
        if [row["seq"] for row in rows] != list(range(1, order["version"] + 1)):
            yield Finding(LOST, sn, f"version {order['version']}, transitions {[row['seq'] for row in rows]}")
        steps = [(row["from_state"], row["to_state"]) for row in rows]
        yield from chain(sn, steps, ORDER_MOVES, order["trade_state"])


def payments_move_legally(books: Books) -> Iterator[Finding]:
    transitions = books.grouped("payment", "payment_transition", "payment_id")
    returned = group((row for row in books.ours["payment"]["refund"] if row["state"] == "succeeded"), "payment_sn")
    for sn, payment in books.payments.items():
        rows = sorted(transitions[payment["id"]], key=lambda row: row["seq"])
        steps = [(row["from_status"], row["to_status"]) for row in rows]
        # Each part that went back is a version of a payment that stays paid.
        yield from chain(sn, [step for step in steps if step != PART_BACK], PAYMENT_MOVES, payment["pay_status"])
        back = sum(step in {PART_BACK, ALL_BACK} for step in steps)
        if back != len(returned[sn]):
            kind = DOUBLED if back > len(returned[sn]) else LOST
            yield Finding(kind, sn, f"{len(returned[sn])} refunds succeeded, and {back} times money went back")
        if not steps and payment["pay_status"] != 0:
            yield Finding(LOST, sn, f"at {payment['pay_status']} without a transition")


def every_change_was_told_once(books: Books) -> Iterator[Finding]:
    """Each transition that others must hear of left one event in the outbox."""
    told = Counter(
        (row["topic"], row["partition_key"], row["event"]["data"].get("tradeState", row["event"]["data"].get("payStatus")))
        for service in ("order", "payment")
        for row in books.ours[service]["outbox"]
        if row["topic"] in {PAYMENT_STATUS_TOPIC, TRADE_STATE_TOPIC}
    )  # fmt: skip
    changed: Counter[tuple[str, str, int]] = Counter()
    numbers = {row["id"]: row["order_sn"] for row in books.payments.values()}
    for row in books.ours["payment"]["payment_transition"]:
        if row["to_status"] in {1, 2}:
            changed[PAYMENT_STATUS_TOPIC, numbers[row["payment_id"]], row["to_status"]] += 1
    orders = {row["id"]: row["sn"] for row in books.orders.values()}
    for row in books.ours["order"]["order_transition"]:
        if row["from_state"] is not None:
            changed[TRADE_STATE_TOPIC, orders[row["order_id"]], row["to_state"]] += 1
    for key in told.keys() | changed.keys():
        if told[key] != changed[key]:
            kind = LOST if told[key] < changed[key] else DOUBLED
            yield Finding(kind, key[1], f"went to {key[2]} {changed[key]} times, told {key[0]} of it {told[key]} times")


def every_event_was_taken(books: Books) -> Iterator[Finding]:
    """What was published is in its consumer's inbox, or is a dead letter that waits for an operator."""
    for service in ("order", "payment"):
        for row in books.ours[service]["outbox"]:
            consumer = books.ours[CONSUMER[row["topic"]]]
            taken = {each["event_id"] for each in consumer["inbox"]}
            put_aside = {each["event_id"] for each in consumer["dead_letter"] if each["state"] == "poison"}
            if row["published_at"] and row["event_id"] not in taken | put_aside:
                yield Finding(
                    LOST, row["partition_key"], f"{CONSUMER[row['topic']]} never took event {row['event_id']}"
                )


def bookings_are_kept(books: Books, acknowledged: list[Row]) -> Iterator[Finding]:
    for entry in acknowledged:
        if entry["order_sn"] not in books.orders:
            yield Finding(LOST, entry["order_sn"], "its guest was told this number, and there is no such order")
    keys = Counter(row["request_key"] for row in books.orders.values() if row["request_key"])
    yield from (Finding(DOUBLED, key, f"{times} orders of one request") for key, times in keys.items() if times > 1)
