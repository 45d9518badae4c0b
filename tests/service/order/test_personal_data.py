"""What order holds of a person: told, erased, forgotten by its age. The books stay to the fen."""

from typing import Any

import pytest

from servicekit.testing import SIDECAR_HEADERS
from tests.service.order.support import BUYER, MERCHANT, STRANGER, Order, refunded

PERSON = {"userId": BUYER}
ERASE = {"operatorId": 9, "note": "asked by letter"}
TEXTS = {"remark": "", "refund_reason": None, "refund_note": None}


async def told(order: Order, **who: Any) -> dict[str, Any]:
    response = await order.inside("/internal/personalData", PERSON | who)
    assert response.status_code == 200, response.text
    held: dict[str, Any] = response.json()["held"]
    return held


async def erase(order: Order, **who: Any) -> dict[str, Any]:
    response = await order.inside("/internal/erasePersonalData", PERSON | ERASE | who)
    assert response.status_code == 200, response.text
    erased: dict[str, Any] = response.json()
    return erased


async def tick(order: Order) -> int:
    response = await order.http.post("/jobs/order-forget-personal-data", headers=SIDECAR_HEADERS)
    assert response.status_code == 200, response.text
    claimed: int = response.json()["claimed"]
    return claimed


async def given_back(order: Order, **more: Any) -> str:
    """An order whose money went back, with a reason of its buyer."""
    sn, payment_sn = await order.paid(remark="带两只猫，房间要安静", **more)
    user = more.get("user", BUYER)
    await order.post("/homestayOrder/refundHomestayOrder", {"sn": sn, "reason": "家里有急事"}, user=user)
    await order.hear(refunded(sn, payment_sn))
    assert order.row(sn)["trade_state"] == 3
    return sn


def books(order: Order) -> list[dict[str, Any]]:
    """All of all orders but what guests wrote."""
    rows = order.rows("select * from homestay_order order by id")
    return [{name: value for name, value in row.items() if name not in {*TEXTS, "updated_at"}} for row in rows]


async def test_a_person_is_told_their_own_orders_with_what_they_wrote(order: Order) -> None:
    sn = await given_back(order)
    await order.create(user=STRANGER, remark="another's")
    held = await told(order)
    [row] = held["orders"]
    assert (row["sn"], row["remark"], row["refund_reason"], row["order_total_fen"]) == (
        sn,
        "带两只猫，房间要安静",
        "家里有急事",
        19900,
    )
    assert (await told(order, userId=7777))["orders"] == []


async def test_orders_beyond_a_page_are_told_by_the_number_before_them(order: Order) -> None:
    numbers = [(await order.paid())[0] for _ in range(3)]
    assert [row["sn"] for row in (await told(order))["orders"]] == numbers[::-1]
    assert [row["sn"] for row in (await told(order, beforeSn=numbers[1]))["orders"]] == numbers[:1]
    assert (await told(order, beforeSn=numbers[0]))["orders"] == []


async def test_erasing_takes_the_texts_and_leaves_the_books(order: Order) -> None:
    sn = await given_back(order)
    others = await given_back(order, user=STRANGER)
    before = books(order)
    assert await erase(order) == {"rows": {"orders": 1, "requests": 0}, "openOrders": []}
    assert {name: order.row(sn)[name] for name in TEXTS} == TEXTS
    assert order.row(others)["remark"] == "带两只猫，房间要安静"
    assert books(order) == before
    assert order.rows("select operator_id, act, subject, note from operator_act") == [
        {
            "operator_id": 9,
            "act": "personal-data-erase",
            "subject": f"user:{BUYER}",
            "note": "asked by letter (1 orders)",
        }
    ]
    assert (await erase(order))["rows"] == {"orders": 0, "requests": 0}
    assert books(order) == before


async def test_kept_first_responses_go_with_the_person(order: Order) -> None:
    request = order.booking_request()
    await order.post("/homestayOrder/createHomestayOrder", request, key="k-1")
    await order.post("/homestayOrder/createHomestayOrder", request, key="k-1", user=STRANGER)
    sn = order.rows("select sn from homestay_order where user_id = %s", BUYER)[0]["sn"]
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})
    scopes = [row["scope"] for row in order.rows("select scope from idempotency_key order by scope")]
    assert [scope.partition(":")[0] for scope in scopes] == sorted([str(BUYER), str(STRANGER)])
    assert [each["scope"] for each in (await told(order))["requests"]] == [
        scope for scope in scopes if scope.startswith(f"{BUYER}:")
    ]
    await erase(order)
    left = [row["scope"] for row in order.rows("select scope from idempotency_key")]
    assert left == [scope for scope in scopes if scope.startswith(f"{STRANGER}:")]


@pytest.mark.parametrize("state", ["unpaid", "paid", "hosted"])
async def test_nothing_is_erased_while_an_order_is_open_and_it_is_named(order: Order, state: str) -> None:
    over = await given_back(order)
    open_sn = await order.create() if state == "unpaid" else (await order.paid())[0]
    who = MERCHANT if state == "hosted" else BUYER
    answer = await erase(order, userId=who)
    assert answer == {"rows": {}, "openOrders": [open_sn]}
    assert order.row(over)["remark"] == "带两只猫，房间要安静"
    assert order.rows("select * from operator_act") == []


async def test_texts_are_forgotten_three_years_after_the_stay_and_not_a_day_earlier(order: Order) -> None:
    sn = await given_back(order)
    before = books(order)
    end = order.row(sn)["live_end_date"]
    order.clock.pass_by(days=1096)
    assert await tick(order) == 0
    assert order.row(sn)["remark"] == "带两只猫，房间要安静"
    order.clock.pass_by(days=(end - order.clock.now.date()).days + 1097)
    assert await tick(order) == 1
    assert {name: order.row(sn)[name] for name in TEXTS} == TEXTS
    assert books(order) == before
    assert await tick(order) == 0


async def test_texts_of_an_order_that_is_not_over_are_never_forgotten(order: Order) -> None:
    sn, _ = await order.paid(remark="too long a stay")
    order.clock.pass_by(days=3000)
    assert await tick(order) == 0
    assert order.row(sn)["remark"] == "too long a stay"
