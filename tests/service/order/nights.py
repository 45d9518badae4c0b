"""What tests say about nights: a homestay with little room, and the rule that must always hold."""

from collections.abc import Callable
from typing import Any

from tests.service.order.support import Order

CREATE = "/homestayOrder/createHomestayOrder"
ALL_NIGHTS = {-1: 0, 0: 1, 1: 1, 2: 1, 4: 1}
"""By trade state, how much of its stay an order holds; state 3 holds the nights that had begun."""
HELD = (
    "select o.sn, o.trade_state, o.live_end_date - o.live_start_date as nights, count(n.night) as held,"
    " coalesce(bool_and(n.units = case o.sold_by when 1 then o.live_people_num else 1 end), true) as exact"
    " from homestay_order o left join order_night n on n.order_id = o.id group by o.id"
)
SUMS = (
    "select homestay_id, night, sum(units) as taken from order_night join homestay_order o on o.id = order_id"
    " group by homestay_id, night order by homestay_id, night"
)
UNITS = (
    "select n.homestay_id, n.night from homestay_night n join order_night h on h.night = n.night join homestay_order o"
    " on o.id = h.order_id and o.homestay_id = n.homestay_id where o.sold_by <> n.sold_by"
)
TAKEN = "select homestay_id, night, taken from homestay_night where taken > 0 order by homestay_id, night"


def room(order: Order, stock: int, **more: Any) -> None:
    """From now on travel says that the homestay has this stock."""
    order.peers.travel_offers(stock=stock, **more)


def taken(order: Order) -> dict[str, int]:
    """How much is taken, by date; nights that are free again are left out."""
    return {row["night"].isoformat(): row["taken"] for row in order.rows(TAKEN)}


def nights_are_right(rows: Callable[..., list[dict[str, Any]]]) -> None:
    """Taken nights are the nights of live orders, of one unit (rooms or beds), never above the stock."""
    assert rows(TAKEN) == rows(SUMS)
    assert rows("select * from homestay_night where taken > stock") == []
    assert rows(UNITS) == []
    for row in rows(HELD):
        assert row["exact"], row
        if row["trade_state"] in ALL_NIGHTS:
            assert row["held"] == row["nights"] * ALL_NIGHTS[row["trade_state"]], row
