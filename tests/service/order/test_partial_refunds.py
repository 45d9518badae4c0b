"""What a buyer who cancels gets back by the homestay's policy, and what stays."""

import asyncio

import pytest

from tests.service.order.partial_refunds import (
    ASK,
    DECIDE,
    DETAIL,
    FAILED,
    QUOTE,
    REQUESTED,
    TOLD,
    UPDATED,
    amounts,
    booked,
)
from tests.service.order.support import STRANGER, Order, part_refunded, refund_failed, refunded


async def test_the_share_is_requested_and_the_order_ends_when_it_is_back(order: Order) -> None:
    sn, payment_sn = await booked(order)

    answer = await order.post(ASK, {"sn": sn, "reason": "行程有变"})

    assert answer.json()["data"]["refundState"] == "agreed"
    [request] = order.facts(REQUESTED)
    assert (request["paymentSn"], request["refundFen"], request["cause"]) == (payment_sn, 9950, "buyer")
    assert amounts(order, sn) == (1, "agreed", 9950, 0)
    assert len(order.rows("select * from order_night")) == 1

    assert await order.hear(part_refunded(sn, payment_sn, 9950)) == ["SUCCESS"]

    assert amounts(order, sn) == (3, "agreed", 9950, 9950)
    assert order.rows("select * from order_night") == []
    assert [(row["state"], row["refund_fen"]) for row in order.rows("select * from order_refund")] == [
        ("returned", 9950)
    ]
    assert [fact["tradeState"] for fact in order.facts(TOLD)] == [1, 3]
    assert order.facts(UPDATED) == []  # the trade state says it
    told = (await order.inside("/internal/orderDetail", {"orderSn": sn})).json()
    assert (told["tradeState"], told["totalFen"], told["refundedFen"]) == (3, 19900, 9950)


async def test_an_event_that_is_repeated_or_old_ends_nothing_twice(order: Order) -> None:
    sn, payment_sn = await booked(order)
    await order.post(ASK, {"sn": sn, "reason": ""})
    back = part_refunded(sn, payment_sn, 9950)

    answers = await asyncio.gather(*(order.hear(back) for _ in range(4)))
    await order.hear(part_refunded(sn, payment_sn, 9950, version=4), part_refunded(sn, payment_sn, 0, version=2))

    assert answers == [["SUCCESS"]] * 4
    assert amounts(order, sn) == (3, "agreed", 9950, 9950)
    assert order.states(sn) == [(1, None, 0), (2, 0, 1), (3, 1, 3)]
    assert order.facts(UPDATED) == []


async def test_less_than_the_share_does_not_end_the_order(order: Order) -> None:
    sn, payment_sn = await booked(order)
    await order.post(ASK, {"sn": sn, "reason": ""})

    await order.hear(part_refunded(sn, payment_sn, 9949))

    assert amounts(order, sn) == (1, "agreed", 9950, 9949)
    assert [row["state"] for row in order.rows("select state from order_refund")] == ["requested"]


@pytest.mark.parametrize(
    ("policy", "days", "fen"), [("strict", 14, 19900), ("strict", 7, 9950), ("flexible", 0, 19900)]
)
async def test_each_policy_is_kept_with_its_order_whatever_the_host_sets_later(
    order: Order, policy: str, days: int, fen: int
) -> None:
    sn, _ = await booked(order, policy, days=days)
    order.peers.travel_offers(cancelPolicy="moderate")

    await order.post(ASK, {"sn": sn, "reason": ""})

    assert (order.row(sn)["cancel_policy"], order.facts(REQUESTED)[0]["refundFen"]) == (policy, fen)


async def test_with_no_share_the_buyer_cancels_and_the_night_is_free_at_once(order: Order) -> None:
    sn, _ = await booked(order, "strict", days=1)
    quote = (await order.post(QUOTE, {"sn": sn})).json()["data"]
    assert (quote["refundFen"], quote["keptFen"], quote["percent"]) == (0, 19900, 0)

    answers = await asyncio.gather(*(order.post(ASK, {"sn": sn, "reason": ""}) for _ in range(3)))

    assert {answer.json()["data"]["tradeState"] for answer in answers} == {3}
    assert amounts(order, sn) == (3, "agreed", 0, 0)
    assert order.facts(REQUESTED) == []
    assert order.rows("select * from order_night") == []
    assert order.states(sn) == [(1, None, 0), (2, 0, 1), (3, 1, 3)]
    detail = (await order.post(DETAIL, {"sn": sn})).json()["data"]
    assert (detail["refundedFen"], detail["keptFen"], detail["refundSteps"]) == (0, 19900, [])
    assert (await order.inside("/internal/orderDetail", {"orderSn": sn})).json()["refundedFen"] == 0


async def test_what_is_told_before_cancelling_is_what_is_requested(order: Order) -> None:
    sn, _ = await booked(order, isFood=True)
    told = (await order.post(QUOTE, {"sn": sn})).json()["data"]
    assert told == {
        "sn": sn,
        "totalFen": 24900,
        "refundFen": 12450,
        "keptFen": 12450,
        "percent": 50,
        "cancelPolicy": "moderate",
        "asksHost": False,
        "steps": [
            {"until": "2026-11-25T16:00:00Z", "percent": 50, "refundFen": 12450},
            {"until": None, "percent": 0, "refundFen": 0},
        ],
    }
    detail = (await order.post(DETAIL, {"sn": sn})).json()["data"]
    assert (detail["cancelPolicy"], detail["refundSteps"]) == ("moderate", told["steps"])

    await order.post(ASK, {"sn": sn, "reason": ""})

    assert order.facts(REQUESTED)[0]["refundFen"] == told["refundFen"]


async def test_a_quote_before_booking_tells_the_policy_and_its_steps(order: Order) -> None:
    order.peers.travel_offers(cancelPolicy="strict")

    quote = (await order.post("/homestayOrder/quoteHomestayOrder", order.booking_request(days=20))).json()["data"]

    assert quote["cancelPolicy"] == "strict"
    assert quote["refundSteps"] == [
        {"until": "2026-11-29T16:00:00Z", "percent": 100, "refundFen": 19900},
        {"until": "2026-12-06T16:00:00Z", "percent": 50, "refundFen": 9950},
        {"until": None, "percent": 0, "refundFen": 0},
    ]


async def test_only_an_own_paid_order_has_something_to_tell(order: Order) -> None:
    sn, payment_sn = await booked(order)
    unpaid = await order.create(days=3)

    assert (await order.post(QUOTE, {"sn": sn}, user=STRANGER)).status_code == 404
    refused = await order.post(QUOTE, {"sn": unpaid})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-refundable")
    await order.post(ASK, {"sn": sn, "reason": ""})
    assert (await order.post(QUOTE, {"sn": sn})).status_code == 409
    await order.hear(part_refunded(sn, payment_sn, 9950))
    assert (await order.post(QUOTE, {"sn": sn})).status_code == 409


async def test_more_than_the_share_is_for_the_host_to_decide(order: Order) -> None:
    sn, payment_sn = await booked(order)

    answer = await order.post(ASK, {"sn": sn, "reason": "病了", "refundFen": 19900})

    assert answer.json()["data"]["refundState"] == "asked"
    assert [(fact["refundState"], fact["refundFen"]) for fact in order.facts(UPDATED)] == [("asked", 19900)]
    assert order.facts(REQUESTED) == []
    [row] = (await order.merchant("/orderList", {})).json()["data"]["list"]
    assert (row["refundFen"], row["refundLeastFen"], row["cancelPolicy"]) == (19900, 9950, "moderate")
    told = (await order.inside("/internal/orderDetail", {"orderSn": sn})).json()
    assert told["refundLeastFen"] == 9950

    await order.merchant(DECIDE, {"sn": sn, "agree": True, "note": "", "refundFen": 15000})
    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [15000]
    await order.hear(part_refunded(sn, payment_sn, 15000))
    assert amounts(order, sn) == (3, "agreed", 15000, 15000)


@pytest.mark.parametrize(("fen", "least"), [(9949, 9950), (19901, 9950)])
async def test_a_host_gives_no_less_than_the_share_and_no_more_than_the_total(
    order: Order, fen: int, least: int
) -> None:
    sn, _ = await booked(order)
    await order.post(ASK, {"sn": sn, "reason": "", "refundFen": 19900})
    before = order.row(sn)

    refused = await order.merchant(DECIDE, {"sn": sn, "agree": True, "note": "", "refundFen": fen})

    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["field"]) == (422, 103040, "refundFen")
    assert (problem["least"], problem["most"]) == (least, 19900)
    assert (order.row(sn), order.facts(REQUESTED)) == (before, [])


async def test_a_host_who_names_no_amount_gives_the_share(order: Order) -> None:
    sn, _ = await booked(order)
    await order.post(ASK, {"sn": sn, "reason": "", "refundFen": 19900})

    await order.merchant(DECIDE, {"sn": sn, "agree": True, "note": ""})

    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [9950]


async def test_where_the_policy_gives_nothing_the_host_must_name_an_amount(order: Order) -> None:
    sn, _ = await booked(order, "strict", days=0, nights=2)
    order.clock.pass_by(hours=3)  # the stay has begun
    await order.post(ASK, {"sn": sn, "reason": ""})
    assert [fact["refundFen"] for fact in order.facts(UPDATED)] == [19900 * 2]

    refused = await order.merchant(DECIDE, {"sn": sn, "agree": True, "note": ""})
    assert (refused.status_code, refused.json()["least"]) == (422, 1)
    assert order.row(sn)["refund_state"] == "asked"

    await order.merchant(DECIDE, {"sn": sn, "agree": True, "note": "", "refundFen": 100})
    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [100]


@pytest.mark.parametrize(
    ("policy", "days", "fen", "ends"),
    [("flexible", 0, 39800, "agreed"), ("moderate", 3, 19900, "agreed"), ("strict", 0, 0, "refused")],
)
async def test_silence_gives_what_the_policy_gives_and_where_that_is_nothing_the_order_goes_on(
    order: Order, policy: str, days: int, fen: int, ends: str
) -> None:
    sn, _ = await booked(order, policy, days=days, nights=2)
    order.clock.pass_by(hours=3)
    await order.post(ASK, {"sn": sn, "reason": "", "refundFen": 39800})
    assert order.row(sn)["refund_state"] == "asked" if days == 0 else True
    order.clock.pass_by(days=1)

    assert (await order.inside("/jobs/order-expire-stays")).json() == {"claimed": 1}

    assert order.row(sn)["refund_state"] == ends
    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == ([fen] if fen else [])
    assert (order.row(sn)["refund_opened_at"] is None) == (ends == "refused")


async def refused_late(order: Order, *, hours: int) -> str:
    """All of it was requested on the eve of the arrival, when half went back, and refused `hours` later: the order."""
    sn, _ = await booked(order)
    order.clock.pass_by(days=2, hours=14, minutes=20)  # 23:50 in Shanghai
    await order.post(ASK, {"sn": sn, "reason": "病了", "refundFen": 19900})
    order.clock.pass_by(hours=hours)
    await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": "不行"})
    return sn


@pytest.mark.parametrize("hours", [1, 13])
async def test_a_late_refusal_leaves_the_share_of_the_day_of_the_request(order: Order, hours: int) -> None:
    """Silence would have given it as well; also when the stay has begun by then."""
    sn = await refused_late(order, hours=hours)
    assert (order.row(sn)["refund_state"], order.facts(REQUESTED)) == ("refused", [])

    quote = (await order.post(QUOTE, {"sn": sn})).json()["data"]
    detail = (await order.post(DETAIL, {"sn": sn})).json()["data"]
    answer = await order.post(ASK, {"sn": sn, "reason": ""})

    assert (quote["refundFen"], quote["keptFen"], quote["percent"], quote["asksHost"]) == (9950, 9950, 50, False)
    assert quote["steps"] == detail["refundSteps"] == [{"until": None, "percent": 50, "refundFen": 9950}]
    assert answer.json()["data"]["refundState"] == "agreed"
    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [9950]


async def test_a_second_refusal_takes_no_more_than_the_first(order: Order) -> None:
    sn = await refused_late(order, hours=13)
    await order.post(ASK, {"sn": sn, "reason": "", "refundFen": 15000})
    row = order.row(sn)
    assert (row["refund_state"], row["refund_fen"], row["refund_least_fen"]) == ("asked", 15000, 9950)

    await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": "不行"})

    assert (await order.post(QUOTE, {"sn": sn})).json()["data"]["refundFen"] == 9950


async def test_an_early_refusal_takes_nothing_from_a_share_that_is_larger(order: Order) -> None:
    sn, _ = await booked(order)
    await order.post(ASK, {"sn": sn, "reason": "", "refundFen": 19900})
    await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": "不行"})

    quote = (await order.post(QUOTE, {"sn": sn})).json()["data"]

    assert (quote["refundFen"], quote["percent"], quote["asksHost"]) == (9950, 50, False)


@pytest.mark.parametrize("policy", ["flexible", "moderate"])
async def test_a_refusal_during_the_stay_leaves_the_decision_to_the_host(order: Order, policy: str) -> None:
    sn, _ = await booked(order, policy, days=0, nights=2)
    order.clock.pass_by(hours=3)
    await order.post(ASK, {"sn": sn, "reason": ""})
    await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": "不行"})

    quote = (await order.post(QUOTE, {"sn": sn})).json()["data"]
    again = await order.post(ASK, {"sn": sn, "reason": ""})

    assert (quote["refundFen"], quote["asksHost"]) == (0, True)
    assert (again.json()["data"]["refundState"], order.facts(REQUESTED)) == ("asked", [])


@pytest.mark.parametrize("agrees", [True, False])
async def test_a_small_request_during_a_flexible_stay_gives_back_that_much(order: Order, agrees: bool) -> None:
    sn, _ = await booked(order, "flexible", days=0, nights=2)
    order.clock.pass_by(hours=3)
    await order.post(ASK, {"sn": sn, "reason": "晚到", "refundFen": 10000})
    row = order.row(sn)
    assert (row["refund_state"], row["refund_fen"], row["refund_least_fen"]) == ("asked", 10000, 10000)

    if agrees:
        await order.merchant(DECIDE, {"sn": sn, "agree": True, "note": "", "refundFen": 10000})
    else:
        order.clock.pass_by(days=1)
        assert (await order.inside("/jobs/order-expire-stays")).json() == {"claimed": 1}

    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [10000]


async def test_a_step_that_passes_between_the_quote_and_the_request_asks_the_host(order: Order) -> None:
    """Who names what the quote told is asked about less, instead of losing it."""
    sn, _ = await booked(order)
    told = (await order.post(QUOTE, {"sn": sn})).json()["data"]["refundFen"]
    order.clock.pass_by(days=2, hours=15)  # half past midnight

    answer = await order.post(ASK, {"sn": sn, "reason": "", "refundFen": told})

    assert (answer.json()["data"]["refundState"], order.facts(REQUESTED)) == ("asked", [])
    assert amounts(order, sn) == (1, "asked", 9950, 0)


async def test_an_amount_above_the_total_is_refused_and_changes_nothing(order: Order) -> None:
    sn, _ = await booked(order)
    before = order.row(sn)

    refused = await order.post(ASK, {"sn": sn, "reason": "", "refundFen": 19901})

    assert (refused.status_code, refused.json()["field"]) == (422, "refundFen")
    assert order.row(sn) == before


async def test_a_share_that_failed_is_requested_again_as_it_was_agreed(order: Order) -> None:
    """Also when the policy gives less by then: it was agreed once."""
    sn, payment_sn = await booked(order)
    await order.post(ASK, {"sn": sn, "reason": ""})
    await order.hear(refund_failed(sn, payment_sn, order.facts(REQUESTED)[0]["requestSn"]), path=FAILED)
    assert amounts(order, sn) == (1, "failed", 9950, 0)
    order.clock.pass_by(days=2, hours=20)
    quote = (await order.post(QUOTE, {"sn": sn})).json()["data"]
    assert (quote["refundFen"], quote["percent"], quote["asksHost"]) == (9950, 50, False)

    await order.post(ASK, {"sn": sn, "reason": ""})

    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [9950, 9950]
    states = order.rows("select state from order_refund order by id")
    assert [row["state"] for row in states] == ["failed", "requested"]


async def test_all_of_it_may_still_go_back_by_another_way(order: Order) -> None:
    sn, payment_sn = await booked(order)
    await order.post(ASK, {"sn": sn, "reason": ""})

    await order.hear(refunded(sn, payment_sn))

    assert amounts(order, sn) == (3, "agreed", 19900, 19900)


async def test_payment_pays_out_what_is_kept_and_nothing_else(order: Order) -> None:
    kept, payment_sn = await booked(order)
    whole, other = await booked(order, "flexible")
    for sn, number, fen in ((kept, payment_sn, 9950), (whole, other, 19900)):
        await order.post(ASK, {"sn": sn, "reason": ""})
        await order.hear(part_refunded(sn, number, fen))

    page = (await order.inside("/internal/keptOrders", {"day": "2026-11-23"})).json()["list"]

    [row] = page
    whose = order.row(kept)
    assert {name: row[name] for name in ("homestayId", "homestayUserId", "title")} == {
        "homestayId": whose["homestay_id"],
        "homestayUserId": whose["homestay_user_id"],
        "title": whose["title"],
    }
    assert {name: row[name] for name in ("orderSn", "homestayBusinessId", "paymentSn")} == {
        "orderSn": kept,
        "homestayBusinessId": 3,
        "paymentSn": payment_sn,
    }
    above = {"day": "2026-11-23", "lastId": row["id"]}
    assert (await order.inside("/internal/keptOrders", above)).json()["list"] == []
    assert (await order.inside("/internal/keptOrders", {"day": "2026-11-24"})).json()["list"] == []
    assert (await order.inside("/internal/usedOrders", {"day": "2026-11-23"})).json()["list"] == []
