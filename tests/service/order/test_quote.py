"""What a stay would cost is told to any visitor, before ordering."""

import pytest

from tests.service.order.nights import CREATE, room
from tests.service.order.support import Order

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
        "closedNight": None,
        "cancelPolicy": "flexible",
        "nearest": [],
        "refundSteps": [
            {"until": "2026-11-23T04:00:00Z", "percent": 100, "refundFen": 74700},
            {"until": None, "percent": 0, "refundFen": 0},
        ],
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
    order.peers.travel_offers(onSale=False)
    assert (await quote(order)).json()["type"] == "/problems/not-on-sale"

    order.peers.answer("travel", "/internal/homestaySnapshot", {"title": "gone"}, status=404)
    assert (await quote(order)).status_code == 404


async def test_a_night_with_a_price_of_its_own_is_a_line_of_the_quote_and_of_the_order(order: Order) -> None:
    order.peers.travel_offers(prices={"2026-11-24": 25001}, cancelPolicy="strict", rowType=1)

    data = (await quote(order, nights=2)).json()["data"]
    sn = await order.create(nights=2)

    detail = (await order.post("/homestayOrder/userHomestayOrderDetail", {"sn": sn})).json()["data"]
    assert data["nights"] == [
        {"night": "2026-11-23", "homestayFen": 39800, "foodFen": 0},
        {"night": "2026-11-24", "homestayFen": 50002, "foodFen": 0},
    ]
    assert (data["orderTotalFen"], data["cancelPolicy"]) == (89802, "strict")
    assert detail["lines"] == data["nights"] == order.row(sn)["lines"]
    assert (detail["orderTotalFen"], detail["homestayTotalPrice"], detail["homestayPrice"]) == (89802, 898.02, 199.0)


async def test_what_a_host_changes_later_changes_no_order(order: Order) -> None:
    sn = await order.create(nights=2)
    before = order.row(sn)

    order.peers.travel_offers(homestayPriceFen=1, prices={"2026-11-24": 99900}, closed=["2026-11-23"], minNights=5)

    detail = (await order.post("/homestayOrder/userHomestayOrderDetail", {"sn": sn})).json()["data"]
    assert [line["homestayFen"] for line in detail["lines"]] == [19900, 19900]
    assert order.row(sn) == before


async def test_a_closed_night_is_named_by_a_quote_and_refused_by_an_order(order: Order) -> None:
    order.peers.travel_offers(closed=["2026-11-24", "2026-11-25", "2026-11-26"])

    quoted = await quote(order, nights=3)
    refused = await order.post(CREATE, order.booking_request(nights=3))
    before_it = await order.post(CREATE, order.booking_request(nights=1))

    assert (quoted.json()["data"]["closedNight"], quoted.json()["data"]["orderTotalFen"]) == ("2026-11-24", 59700)
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["type"]) == (409, 103036, "/problems/night-closed")
    assert (problem["field"], problem["night"]) == ("liveStartTime", "2026-11-24")
    assert problem["msg"] == "2026-11-24 当晚不接待，请改选其他日期"
    assert before_it.status_code == 200
    assert [row["night"].isoformat() for row in order.rows("select night from homestay_night")] == ["2026-11-23"]


@pytest.mark.parametrize(
    ("change", "code", "member", "limit"),
    [
        ({"nights": 1}, 103035, "minNights", 2),
        ({"nights": 6}, 103002, "maxNights", 5),
        ({"days": 11}, 103004, "daysAhead", 10),
    ],
)
async def test_the_homestays_own_limits_refuse_a_quote_and_an_order(
    order: Order, change: dict, code: int, member: str, limit: int
) -> None:
    order.peers.travel_offers(minNights=2, maxNights=5, daysAhead=10)

    quoted = await quote(order, **{"nights": 2} | change)
    ordered = await order.post(CREATE, order.booking_request(**{"nights": 2} | change))

    for response in (quoted, ordered):
        assert (response.status_code, response.json()["code"], response.json()[member]) == (422, code, limit)
        assert str(limit) in response.json()["msg"]
    assert order.rows("select id from homestay_order") == []


async def test_a_repeated_request_gets_its_order_also_after_the_night_was_closed(order: Order) -> None:
    first = await order.post(CREATE, order.booking_request(), key="k-1")
    order.rows("delete from idempotency_key returning key")
    order.peers.travel_offers(closed=["2026-11-23"])

    again = await order.post(CREATE, order.booking_request(), key="k-1")

    assert again.json() == first.json()


FREE_STAYS = "/internal/freeStays"


async def test_a_night_taken_by_the_room_is_full_for_a_guest_who_wants_a_bed(order: Order) -> None:
    room(order, 1)
    await order.create()
    room(order, 6, rowType=1)
    stays = [{"start": "2026-11-23", "end": "2026-11-24"}, {"start": "2026-11-24", "end": "2026-11-25"}]
    order.peers.answer("travel", FREE_STAYS, {"stays": stays})

    data = (await quote(order)).json()["data"]

    assert (data["fullNight"], data["nearest"]) == ("2026-11-23", stays[1:])


async def test_a_full_night_comes_with_the_nearest_free_stays_that_our_books_confirm(order: Order) -> None:
    room(order, 1)
    await order.create(days=1)
    await order.create(days=4)
    stays = [{"start": f"2026-11-{day}", "end": f"2026-11-{day + 2}"} for day in (25, 26, 28)]
    order.peers.answer("travel", FREE_STAYS, {"stays": stays})

    data = (await quote(order, nights=2)).json()["data"]

    assert data["fullNight"] == "2026-11-24"
    assert data["nearest"] == [stays[0], stays[2]]  # the night of the 27th is taken meanwhile
    [asked] = [body for _, path, body in order.peers.calls if path == FREE_STAYS]
    assert asked == {"homestayId": 7, "start": "2026-11-23", "nights": 2, "units": 1}


async def test_a_closed_night_comes_with_them_too(order: Order) -> None:
    room(order, 1, closed=["2026-11-23"])
    order.peers.answer("travel", FREE_STAYS, {"stays": [{"start": "2026-11-24", "end": "2026-11-25"}]})

    data = (await quote(order)).json()["data"]

    assert (data["closedNight"], data["nearest"]) == ("2026-11-23", [{"start": "2026-11-24", "end": "2026-11-25"}])


async def test_a_quote_for_a_full_night_does_not_need_them_and_one_for_a_free_night_does_not_ask(order: Order) -> None:
    free = await quote(order)
    room(order, 0)
    full = await quote(order)

    assert (free.status_code, free.json()["data"]["nearest"]) == (200, [])
    assert (full.status_code, full.json()["data"]["nearest"], full.json()["data"]["fullNight"]) == (
        200,
        [],
        "2026-11-23",
    )
    assert order.peers.asked(FREE_STAYS) == 1
