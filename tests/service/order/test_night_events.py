"""What others are told of nights: each change once, in its own transaction, with a version that orders them."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

from order.events import NIGHTS_TOPIC
from tests.service.order.nights import CREATE, room
from tests.service.order.support import Order, refunded

NOW = "select homestay_id, night, taken, stock, version from homestay_night order by homestay_id, night"


def told(order: Order) -> list[tuple[str, list[tuple[str, int, int, int]]]]:
    return [
        (
            fact["homestayId"],
            [(each["night"], each["taken"], each["stock"], each["version"]) for each in fact["nights"]],
        )
        for fact in order.facts(NIGHTS_TOPIC)
    ]


def newest(order: Order) -> dict[tuple[int, str], dict[str, Any]]:
    """By homestay and night, of all that was told, in no order: what a reader of all events knows."""
    seen: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for fact in order.facts(NIGHTS_TOPIC):
        for each in fact["nights"]:
            seen[int(fact["homestayId"]), each["night"]].append(each)
    for versions in seen.values():
        assert sorted(each["version"] for each in versions) == list(range(1, len(versions) + 1))
    return {key: max(versions, key=lambda each: each["version"]) for key, versions in seen.items()}


async def test_a_sale_and_its_end_are_told_with_growing_versions(order: Order) -> None:
    room(order, 3)
    sn = await order.create(nights=2)
    await order.create(days=1)
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})

    assert told(order) == [
        ("7", [("2026-11-23", 1, 3, 1), ("2026-11-24", 1, 3, 1)]),
        ("7", [("2026-11-24", 2, 3, 2)]),
        ("7", [("2026-11-23", 0, 3, 2), ("2026-11-24", 1, 3, 3)]),
    ]
    [row] = order.rows("select partition_key, event from outbox where topic = %s order by id limit 1", NIGHTS_TOPIC)
    assert (row["partition_key"], row["event"]["subject"]) == (sn, "7")
    assert row["event"]["type"] == "minsu.order.nights-updated.v1"


async def test_a_refund_tells_only_the_nights_that_it_frees(order: Order) -> None:
    sn, payment_sn = await order.paid(nights=3)
    order.clock.pass_by(days=1)

    assert await order.hear(refunded(sn, payment_sn, total_fen=order.row(sn)["order_total_fen"])) == ["SUCCESS"]

    assert [[night for night, *_ in nights] for _, nights in told(order)] == [
        ["2026-11-23", "2026-11-24", "2026-11-25"],
        ["2026-11-24", "2026-11-25"],
    ]


async def test_a_refused_order_tells_nothing(order: Order) -> None:
    room(order, 1)
    await order.create(days=1)
    before = order.rows("select id, event from outbox order by id")

    refused = await order.post(CREATE, order.booking_request(nights=3))

    assert refused.status_code == 409
    assert order.rows("select id, event from outbox order by id") == before


async def test_a_changed_stock_is_told_with_the_next_sale(order: Order) -> None:
    room(order, 2)
    await order.create()
    room(order, 5)
    await order.create()

    assert [nights for _, nights in told(order)] == [[("2026-11-23", 1, 2, 1)], [("2026-11-23", 2, 5, 2)]]


async def test_what_was_told_last_is_what_is_taken_however_many_order_at_once(order: Order) -> None:
    room(order, 24)

    async def guest(number: int) -> None:
        sn = await order.create(user=500 + number, days=number % 3, nights=1 + number % 4)
        if number % 2:
            await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn}, user=500 + number)

    await asyncio.gather(*(guest(number) for number in range(24)))

    told_last = {
        (homestay, each["night"], each["taken"], each["stock"], each["version"])
        for (homestay, _), each in newest(order).items()
    }
    assert told_last == {
        (row["homestay_id"], row["night"].isoformat(), row["taken"], row["stock"], row["version"])
        for row in order.rows(NOW)
    }
    assert {row["night"] for row in order.rows(NOW)} == {
        order.clock.now.date() + timedelta(days=number) for number in range(6)
    }


async def test_travel_reads_all_nights_page_by_page(order: Order) -> None:
    await order.create(nights=3)
    await order.create(homestayId=7, days=1)
    order.peers.travel_offers(id=8)
    await order.create(homestayId=8, nights=2)
    asked = {"since": "2026-11-24", "pageSize": 2}

    first = (await order.inside("/internal/homestayNights", asked)).json()["nights"]
    after = {"afterHomestayId": 7, "afterNight": "2026-11-25"}
    second = (await order.inside("/internal/homestayNights", asked | after)).json()["nights"]

    assert first == [
        {"homestayId": 7, "night": "2026-11-24", "taken": 2, "stock": 10_000, "version": 2},
        {"homestayId": 7, "night": "2026-11-25", "taken": 1, "stock": 10_000, "version": 1},
    ]
    assert second == [{"homestayId": 8, "night": "2026-11-24", "taken": 1, "stock": 10_000, "version": 1}]
