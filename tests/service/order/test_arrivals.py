"""Who arrives at a merchant's homestays on a day."""

from datetime import date, timedelta

import pytest

from tests.service.order.support import BUYER, MERCHANT, OTHER_MERCHANT, STRANGER, Order, refunded

ARRIVALS = "/arrivals"
TODAY = date(2026, 11, 23)


async def arrivals(order: Order, body: dict | None = None, **more) -> dict:
    response = await order.merchant(ARRIVALS, body or {}, **more)
    assert response.status_code == 200, response.text
    data: dict = response.json()["data"]
    return data


async def test_todays_guests_are_listed_as_they_booked(order: Order) -> None:
    first, _ = await order.paid(nights=2)
    second, _ = await order.paid(user=STRANGER)
    await order.merchant("/verifyTradeCode", {"tradeCode": order.row(second)["checkin_code"]})

    expected = {"homestayId": 7, "title": "西湖边的小院", "livePeopleNum": 2}
    assert await arrivals(order) == {
        "day": "2026-11-23",
        "list": [
            {"sn": first, "nights": 2, "tradeState": 1, **expected},
            {"sn": second, "nights": 1, "tradeState": 2, **expected},
        ],
    }
    assert await arrivals(order, {"day": None}) == await arrivals(order, {"day": "2026-11-23"})


async def test_unpaid_cancelled_and_refunded_guests_do_not_arrive(order: Order) -> None:
    await order.create()
    cancelled = await order.create()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": cancelled})
    sn, payment_sn = await order.paid()
    await order.hear(refunded(sn, payment_sn))

    assert [order.row(each)["trade_state"] for each in (cancelled, sn)] == [-1, 3]
    assert (await arrivals(order))["list"] == []


async def test_a_guest_who_did_not_come_stays_in_the_list(order: Order) -> None:
    sn, _ = await order.paid()
    order.clock.pass_by(days=2)
    await order.inside("/jobs/order-expire-stays", {})

    listed = (await arrivals(order, {"day": "2026-11-23"}))["list"]
    assert [(each["sn"], each["tradeState"]) for each in listed] == [(sn, 4)]


async def test_today_begins_at_midnight_in_shanghai(order: Order) -> None:
    await order.paid()
    order.clock.pass_by(hours=14, minutes=29, seconds=59)  # 23:59:59
    assert [len((await arrivals(order))["list"]), (await arrivals(order))["day"]] == [1, "2026-11-23"]
    order.clock.pass_by(seconds=1)
    assert await arrivals(order) == {"day": "2026-11-24", "list": []}


async def test_other_days_and_other_merchants_have_their_own(order: Order) -> None:
    await order.paid()
    for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=1)):
        assert (await arrivals(order, {"day": str(day)}))["list"] == []
    assert (await arrivals(order, user=OTHER_MERCHANT))["list"] == []


@pytest.mark.parametrize("day", ["2026-02-30", "today", "", True, [1], {}])
async def test_no_day_is_refused_by_name(order: Order, day: object) -> None:
    response = await order.merchant(ARRIVALS, {"day": day})
    assert (response.status_code, response.json()["field"]) == (422, "day")


async def test_merchants_alone_see_arrivals(order: Order) -> None:
    for user in (BUYER, MERCHANT):
        response = await order.post("/merchant/arrivals", {}, user=user)
        assert (response.status_code, response.json()["code"]) == (403, 100101)
