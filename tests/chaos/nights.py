"""Nights: none is sold beyond its stock, what is taken is what the live orders hold and travel knows, and an order costs
the sum of them."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone

from tests.chaos.books import Books, Row
from tests.chaos.findings import DOUBLED, WRONG, Finding

SHANGHAI = timezone(timedelta(hours=8))
CANCELLED, REFUNDED, BY_PERSON = -1, 3, 1
Night = tuple[int, date]


def find(books: Books) -> Iterator[Finding]:
    held = books.grouped("order", "order_night", "order_id")
    yield from _the_sums_agree(books)
    yield from _none_is_oversold(books)
    yield from _travel_knows_them(books)
    for sn, order in books.orders.items():
        for wrong in _of_order(order, held[order["id"]], _refunded_at(books, order)):
            yield Finding(WRONG, sn, wrong)


def _the_sums_agree(books: Books) -> Iterator[Finding]:
    homestays = {row["id"]: row["homestay_id"] for row in books.orders.values()}
    taken: Counter[Night] = Counter()
    for row in books.ours["order"]["order_night"]:
        taken[homestays[row["order_id"]], row["night"]] += row["units"]
    rows = {(row["homestay_id"], row["night"]): row["taken"] for row in books.ours["order"]["homestay_night"]}
    for night in rows.keys() | taken.keys():
        if rows.get(night, 0) != taken[night]:
            yield Finding(WRONG, _name(night), f"{rows.get(night, 0)} taken, its orders hold {taken[night]}")


def _travel_knows_them(books: Books) -> Iterator[Finding]:
    """Its copy is order's, when all events have arrived; nights that are over may be gone from it."""
    order = books.ours["order"]
    of_order, of_travel = (
        {(row["homestay_id"], row["night"]): (row["version"], row["taken"], row["stock"]) for row in rows}
        for rows in (order.get("every_night", order["homestay_night"]), books.ours["travel"]["homestay_night"])
    )
    today = datetime.now(SHANGHAI).date()
    for night in of_order.keys() | of_travel.keys():
        is_kept = night in of_travel or night[1] >= today
        if is_kept and of_order.get(night) != of_travel.get(night):
            yield Finding(WRONG, _name(night), f"travel knows {of_travel.get(night)}, order has {of_order.get(night)}")


def _none_is_oversold(books: Books) -> Iterator[Finding]:
    """By the dates of the orders themselves."""
    stock = {(row["homestay_id"], row["night"]): row["stock"] for row in books.ours["order"]["homestay_night"]}
    sold: Counter[Night] = Counter()
    for order in books.orders.values():
        if order["trade_state"] not in {CANCELLED, REFUNDED} and not _moved(order):
            for night in _nights(order):
                sold[order["homestay_id"], night] += _units(order)
    for night, times in sold.items():
        if times > stock.get(night, 0):
            yield Finding(DOUBLED, _name(night), f"sold {times} times, there is room for {stock.get(night, 0)}")


def _of_order(order: Row, held: list[Row], refunded_at: datetime | None) -> Iterator[str]:
    if any(row["units"] != _units(order) for row in held):
        yield f"holds {[row['units'] for row in held]}, for {order['live_people_num']} people"
    if not _moved(order) and _sums(order) != (order["homestay_total_fen"], order["food_total_fen"]):
        yield f"costs {order['order_total_fen']} fen, its lines say {_sums(order)}"
    if order["trade_state"] == CANCELLED:
        if held:
            yield f"was cancelled and holds {len(held)} nights"
    elif refunded_at is not None:
        begun = refunded_at.astimezone(SHANGHAI)
        if any(datetime.combine(row["night"], time(12), SHANGHAI) > begun for row in held):
            yield f"was refunded at {begun} and holds nights after that"
    elif not _moved(order) and {row["night"] for row in held} != set(_nights(order)):
        yield f"at {order['trade_state']}, holds {len(held)} nights and not its own"


def _refunded_at(books: Books, order: Row) -> datetime | None:
    if order["trade_state"] != REFUNDED:
        return None
    rows = books.grouped("order", "order_transition", "order_id")[order["id"]]
    at: datetime = next(row["created_at"] for row in rows if row["to_state"] == REFUNDED)
    return at


def _moved(order: Row) -> bool:
    """A stay that a guest's plan has moved into the past, where none can be booked: it holds those it was sold."""
    begins: date = order["live_start_date"]
    created: datetime = order["created_at"]
    return begins < created.astimezone(SHANGHAI).date()


def _nights(order: Row) -> Iterator[date]:
    for number in range((order["live_end_date"] - order["live_start_date"]).days):
        yield order["live_start_date"] + timedelta(days=number)


def _sums(order: Row) -> tuple[int, int]:
    lines = order["lines"]
    return sum(line["homestayFen"] for line in lines), sum(line["foodFen"] for line in lines)


def _units(order: Row) -> int:
    return int(order["live_people_num"]) if order["sold_by"] == BY_PERSON else 1


def _name(night: Night) -> str:
    return f"homestay {night[0]}, {night[1]}"
