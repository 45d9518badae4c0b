"""Taking an order."""

import asyncio
import json
from datetime import date, timedelta

import httpx
import pytest

from tests.service.order.support import BUYER, HOMESTAY, MERCHANT, OTHER_MERCHANT, STRANGER, Order

CREATE = "/homestayOrder/createHomestayOrder"


async def test_an_order_snapshots_the_homestay_and_waits_for_payment(order: Order) -> None:
    response = await order.post(CREATE, order.booking_request(nights=3, isFood=True, remark=" 晚到 "))

    assert response.status_code == 200
    assert list(response.json()["data"]) == ["orderSn"]
    row = order.row(response.json()["data"]["orderSn"])
    assert row["trade_state"] == 0
    assert row["version"] == 1
    assert (row["user_id"], row["homestay_id"], row["homestay_user_id"]) == (BUYER, 7, MERCHANT)
    assert (row["title"], row["cover"], row["homestay_price_fen"]) == (HOMESTAY["title"], HOMESTAY["cover"], 19900)
    assert (row["homestay_total_fen"], row["food_total_fen"], row["order_total_fen"]) == (59700, 15000, 74700)
    assert row["lines"] == [
        {"night": night, "homestayFen": 19900, "foodFen": 5000} for night in ("2026-11-23", "2026-11-24", "2026-11-25")
    ]
    assert (str(row["live_start_date"]), str(row["live_end_date"])) == ("2026-11-23", "2026-11-26")
    assert (row["close_at"] - row["created_at"]).total_seconds() == 1800
    assert row["checkin_code"] is None
    assert row["remark"] == "晚到"
    assert order.states(row["sn"]) == [(1, None, 0)]
    assert order.facts("order-update-tradestate-topic") == []


async def test_the_same_key_makes_one_order(order: Order) -> None:
    first = await order.post(CREATE, order.booking_request(), key="k-1")
    again = await order.post(CREATE, order.booking_request(), key="k-1")

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(order.rows("select id from homestay_order")) == 1


async def test_a_crash_before_the_answer_was_stored_makes_no_second_order(order: Order) -> None:
    first = await order.post(CREATE, order.booking_request(), key="k-1")
    order.rows("delete from idempotency_key returning key")

    again = await order.post(CREATE, order.booking_request(), key="k-1")

    assert again.json() == first.json()
    assert len(order.rows("select id from homestay_order")) == 1


async def test_the_key_of_another_request_is_refused_even_when_its_answer_is_forgotten(order: Order) -> None:
    await order.post(CREATE, order.booking_request(), key="k-1")
    order.rows("delete from idempotency_key returning key")

    other = await order.post(CREATE, order.booking_request(nights=2), key="k-1")

    assert other.status_code == 422
    assert other.json()["field"] == "Idempotency-Key"
    assert len(order.rows("select id from homestay_order")) == 1


async def test_two_users_may_use_the_same_key(order: Order) -> None:
    first = await order.post(CREATE, order.booking_request(), key="k-1")
    second = await order.post(CREATE, order.booking_request(), key="k-1", user=STRANGER)

    assert first.json()["data"] != second.json()["data"]


async def test_the_same_key_at_the_same_moment_makes_one_order(order: Order) -> None:
    answers = await asyncio.gather(*(order.post(CREATE, order.booking_request(), key="k-1") for _ in range(5)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(order.rows("select id from homestay_order")) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"homestayId": 0}, "homestayId"),
        ({"homestayId": 2**63}, "homestayId"),
        ({"homestayId": None}, "homestayId"),
        ({"homestayId": "7"}, "homestayId"),
        ({"livePeopleNum": 0}, "livePeopleNum"),
        ({"livePeopleNum": -1}, "livePeopleNum"),
        ({"livePeopleNum": 5}, "livePeopleNum"),
        ({"isFood": "yes"}, "isFood"),
        ({"isFood": None}, "isFood"),
        ({"remark": "x" * 257}, "remark"),
        ({"remark": "a\x00b"}, "remark"),
        ({"liveStartTime": -1}, "liveStartTime"),
        ({"liveStartTime": 10**18}, "liveStartTime"),
        ({"liveStartTime": 1.5}, "liveStartTime"),
        ({"days": -1}, "liveStartTime"),
        ({"days": 366}, "liveStartTime"),
        ({"nights": 0}, "liveEndTime"),
        ({"nights": -3}, "liveEndTime"),
        ({"nights": 91}, "liveEndTime"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_written(order: Order, change: dict, field: str) -> None:
    response = await order.post(CREATE, order.booking_request(**change))

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["field"] == field
    assert order.rows("select id from homestay_order") == []


@pytest.mark.parametrize("body", [None, [], "x", {}])
async def test_a_body_that_is_no_request_is_refused(order: Order, body: object) -> None:
    response = await order.post(CREATE, body)

    assert response.status_code == 422
    assert order.rows("select id from homestay_order") == []


async def test_a_homestay_off_sale_cannot_be_booked(order: Order) -> None:
    order.peers.travel_offers(onSale=False)

    response = await order.post(CREATE, order.booking_request())

    assert response.status_code == 409
    assert response.json()["type"] == "/problems/not-on-sale"
    assert order.rows("select id from homestay_order") == []


async def test_an_unknown_homestay_is_a_404(order: Order) -> None:
    order.peers.answer("travel", "/internal/homestaySnapshot", {"title": "gone"}, status=404)

    response = await order.post(CREATE, order.booking_request())

    assert response.status_code == 404
    assert response.json()["field"] == "homestayId"


async def test_without_travel_the_answer_is_a_503_and_the_key_stays_free(order: Order) -> None:
    del order.peers.answers["travel", "/internal/homestaySnapshot"]
    refused = await order.post(CREATE, order.booking_request(), key="k-1")
    order.peers.travel_offers()
    taken = await order.post(CREATE, order.booking_request(), key="k-1")

    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert taken.status_code == 200
    assert len(order.rows("select id from homestay_order")) == 1


@pytest.mark.parametrize("nonsense", [{"homestayPriceFen": -5}, {"minNights": 0}, {"nights": []}, {"nights": None}])
async def test_nonsense_from_travel_is_a_503_and_writes_nothing(order: Order, nonsense: dict) -> None:
    order.peers.travel_offers(**nonsense)
    order.peers.let_differ("travel", "/internal/homestaySnapshot")

    assert (await order.post(CREATE, order.booking_request())).status_code == 503
    assert order.rows("select id from homestay_order") == []


async def test_who_is_not_signed_in_gets_a_401(order: Order) -> None:
    response = await order.http.post(f"/order/v1{CREATE}", json=order.booking_request())

    assert response.status_code == 401
    assert order.rows("select id from homestay_order") == []


async def test_orders_that_come_together_ask_travel_once_and_each_gets_its_own_stay(order: Order) -> None:
    requests = [order.booking_request(days=days, nights=nights) for days, nights in ((1, 1), (3, 2), (7, 3), (3, 2))]

    answers = await asyncio.gather(
        *(order.post(CREATE, each, user=BUYER + place) for place, each in enumerate(requests))
    )

    assert [each.status_code for each in answers] == [200] * 4
    rows = order.rows("select user_id, live_start_date, live_end_date, order_total_fen from homestay_order order by 1")
    days = {1: date(2026, 11, 24), 3: date(2026, 11, 26), 7: date(2026, 11, 30)}
    assert [tuple(row.values()) for row in rows] == [
        (BUYER + place, days[first], days[first] + timedelta(days=nights), nights * 19900)
        for place, (first, nights) in enumerate(((1, 1), (3, 2), (7, 3), (3, 2)))
    ]
    asked = [(path, body) for _, path, body in order.peers.calls if "homestaySnapshot" in path]
    assert [path for path, _ in asked] == ["/internal/homestaySnapshots"]
    assert len(asked[0][1]["stays"]) == 3, "the same stay is asked about once"


async def test_of_stays_asked_together_the_homestay_that_is_gone_refuses_its_own_order(order: Order) -> None:
    tell = order.peers.answers["travel", "/internal/homestaySnapshots"]

    def without_8(request: httpx.Request) -> httpx.Response:
        told = tell(request).json()["homestays"]
        asked = json.loads(request.content)["stays"]
        kept = [each if ask["homestayId"] != 8 else None for ask, each in zip(asked, told, strict=True)]
        return httpx.Response(200, json={"homestays": kept})

    order.peers.answers["travel", "/internal/homestaySnapshots"] = without_8
    requests = [order.booking_request(homestayId=homestay) for homestay in (7, 8)]

    answers = await asyncio.gather(*(order.post(CREATE, each) for each in requests))

    assert [each.status_code for each in answers] == [200, 404]
    assert [row["homestay_id"] for row in order.rows("select homestay_id from homestay_order")] == [7]


async def test_an_answer_with_too_few_homestays_is_no_answer(order: Order) -> None:
    order.peers.answer("travel", "/internal/homestaySnapshots", {"homestays": [None]})

    answers = await asyncio.gather(
        *(order.post(CREATE, order.booking_request(days=days)) for days in (1, 2)),
    )

    assert [each.status_code for each in answers] == [503, 503]
    assert order.rows("select id from homestay_order") == []


async def test_a_host_does_not_book_the_own_homestay(order: Order) -> None:
    refused = await order.post(CREATE, order.booking_request(), key="k-own", user=MERCHANT)

    assert refused.status_code == 409
    problem = refused.json()
    assert (problem["code"], problem["type"], problem["field"]) == (103044, "/problems/own-homestay", "homestayId")
    assert problem["msg"] == "不能预订自己的民宿"
    assert order.rows("select id from homestay_order") == []
    assert order.rows("select * from order_night") == []
    assert (await order.post(CREATE, order.booking_request(), key="k-own", user=OTHER_MERCHANT)).status_code == 200
