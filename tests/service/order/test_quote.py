"""What a stay would cost is told to anybody, before ordering."""

import pytest

from tests.service.order.nights import CREATE, room
from tests.service.order.support import HOMESTAY, Order

QUOTE = "/order/v1/homestayOrder/quoteHomestayOrder"


async def quote(order: Order, **request: object):
    body = order.booking_request(**request)
    del body["remark"]
    return await order.http.post(QUOTE, json=body)


async def test_each_night_has_its_price_and_the_total_is_what_an_order_costs(order: Order) -> None:
    response = await quote(order, nights=3, isFood=True)

    assert response.status_code == 200
    assert response.json()["data"] == {
        "nights": [
            {"night": night, "homestayFen": 19900, "foodFen": 5000} for night in ("2026-11-23", "2026-11-24", "2026-11-25")
        ],
        "homestayTotalFen": 59700,
        "foodTotalFen": 15000,
        "orderTotalFen": 74700,
        "fullNight": None,
    }  # fmt: skip
    row = order.row(await order.create(nights=3, isFood=True))
    assert (row["homestay_total_fen"], row["food_total_fen"], row["order_total_fen"]) == (59700, 15000, 74700)


async def test_by_person_each_night_costs_for_each(order: Order) -> None:
    room(order, 8, rowType=1)

    data = (await quote(order, nights=2, livePeopleNum=3)).json()["data"]

    assert [night["homestayFen"] for night in data["nights"]] == [59700, 59700]
    assert (data["orderTotalFen"], data["foodTotalFen"]) == (119400, 0)


async def test_the_first_night_that_is_full_is_named_and_nothing_is_taken(order: Order) -> None:
    room(order, 1)
    await order.create(days=1)

    full = (await quote(order, nights=3)).json()["data"]
    free = (await quote(order)).json()["data"]

    assert (full["fullNight"], full["orderTotalFen"]) == ("2026-11-24", 59700)
    assert free["fullNight"] is None
    assert [row["taken"] for row in order.rows("select taken from homestay_night")] == [1]


async def test_more_than_the_stock_is_full_from_the_first_night_on(order: Order) -> None:
    room(order, 0)

    assert (await quote(order)).json()["data"]["fullNight"] == "2026-11-23"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"homestayId": 0}, 422, "homestayId"),
        ({"livePeopleNum": 5}, 422, "livePeopleNum"),
        ({"days": -1}, 422, "liveStartTime"),
        ({"nights": 0}, 422, "liveEndTime"),
        ({"nights": 91}, 422, "liveEndTime"),
    ],
)
async def test_what_could_not_be_ordered_has_no_quote(order: Order, change: dict, status: int, field: str) -> None:
    response = await quote(order, **change)
    ordered = await order.post(CREATE, order.booking_request(**change))

    assert (response.status_code, response.json()["field"]) == (status, field)
    assert (ordered.status_code, ordered.json()["code"]) == (status, response.json()["code"])


async def test_what_is_not_on_sale_or_not_there_has_no_quote(order: Order) -> None:
    order.peers.answer("travel", "/internal/homestaySnapshot", HOMESTAY | {"onSale": False})
    assert (await quote(order)).json()["type"] == "/problems/not-on-sale"

    order.peers.answer("travel", "/internal/homestaySnapshot", {"title": "gone"}, status=404)
    assert (await quote(order)).status_code == 404
