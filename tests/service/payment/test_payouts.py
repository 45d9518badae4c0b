"""What homestay businesses earn: each stay and each refund in one record for good, corrections beside it."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payment.errors import DayNotOver
from payment.peers import OrderPeer
from servicekit.errors import PeerUnavailable
from tests.service.payment.books import Shop
from tests.service.payment.support import rows

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)


@pytest.fixture
def shop(db):
    return Shop(db)


async def test_a_day_is_summed_up_for_each_business(shop):
    await shop.stay(1)
    await shop.stay(2, fen=5000)
    await shop.stay(3, business=8, fen=33)
    assert await shop.payouts.run(DAY) == 2
    assert await shop.records() == [
        (7, DAY, 1, 2, 24900, 0, 0, 149, 24751),  # 119.4 → 119 and 30
        (8, DAY, 1, 1, 33, 0, 0, 0, 33),
    ]


async def test_settling_again_and_at_the_same_time_makes_nothing_twice(shop):
    await shop.stay(1)
    assert sum(await asyncio.gather(*(shop.payouts.run(DAY) for _ in range(4)))) == 1
    before = await shop.records(), [dict(row) for row in await rows(shop.db, "payout_item")]
    assert await shop.payouts.run(DAY) == 0
    assert (await shop.records(), [dict(row) for row in await rows(shop.db, "payout_item")]) == before


async def test_what_is_learned_later_is_a_record_of_its_own(shop):
    await shop.stay(1)
    await shop.payouts.run(DAY)
    first = await shop.records()
    await shop.stay(2, fen=10000)
    await shop.payouts.run(DAY)
    assert await shop.records() == [*first, (7, DAY, 2, 1, 10000, 0, 0, 60, 9940)]


async def test_a_refund_of_a_stay_is_subtracted_once_with_its_fee_on_the_day_it_is_learned(shop):
    number = await shop.stay(1)
    await shop.payouts.run(DAY)
    await shop.refund(1, number, fen=5000, ended="2026-11-23 05:00:00+00")
    assert await shop.payouts.run(DAY) == 0  # it ended the day after
    shop.used.clear()
    for _ in range(2):
        await shop.payouts.run(date(2026, 11, 23))
    assert (await shop.records())[1:] == [(7, date(2026, 11, 23), 1, 0, 0, 1, 5000, -30, -4970)]


async def test_a_refund_before_the_stay_began_is_subtracted_on_that_day(shop):
    number = await shop.stay(1)
    await shop.refund(1, number, fen=1000, ended="2026-11-21 05:00:00+00")
    await shop.refund(2, number, fen=900, state="accepted")
    await shop.payouts.run(DAY)
    assert await shop.records() == [(7, DAY, 1, 1, 19900, 1, 1000, 113, 18787)]


async def test_what_is_kept_of_a_cancelled_order_is_paid_out_on_the_day_it_ended(shop):
    await shop.stay(1)
    await shop.cancelled(2, back=9950)
    await shop.cancelled(3, fen=10001)
    assert await shop.payouts.run(DAY) == 1
    assert await shop.records() == [
        # fees: 119, 119 less 60 of the part that went back, 60
        (7, DAY, 1, 3, 49801, 1, 9950, 238, 39613),
    ]
    assert await shop.payouts.run(DAY) == 0


async def test_what_the_host_gives_back_later_is_subtracted_on_that_day(shop):
    number = await shop.cancelled(2, back=9950)
    await shop.payouts.run(DAY)
    await shop.refund(3, number, fen=9950, ended="2026-11-23 05:00:00+00")
    shop.kept.clear()
    await shop.payouts.run(date(2026, 11, 23))
    first, second = await shop.records()
    assert first == (7, DAY, 1, 1, 19900, 1, 9950, 59, 9891)
    assert second == (7, date(2026, 11, 23), 1, 0, 0, 1, 9950, -60, -9890)


async def test_a_day_waits_for_an_order_service_that_knows_what_is_kept(shop):
    await shop.stay(1)
    shop.sidecar.answer("order", "/internal/keptOrders", {}, status=404)
    await shop.payouts.schedule_due_days()
    with pytest.raises(PeerUnavailable):
        await shop.payouts.run_scheduled()
    assert await shop.records() == []


async def test_refunds_of_orders_that_were_never_used_cost_no_merchant(shop):
    await shop.refund(1, await shop.payment(1, status=2))
    assert await shop.payouts.run(DAY) == 0
    assert await shop.records() == []


async def test_a_stay_that_our_books_do_not_hold_paid_earns_nothing(shop):
    await shop.stay(1, status=0)
    shop.used.append(shop.used[0] | {"id": 2, "paymentSn": "PMT2026112210000099999999"})
    await shop.payouts.run(DAY)
    assert await shop.records() == []
    assert await rows(shop.db, "payout_item") == []


@pytest.mark.parametrize("statement", ["update payout_record set net_fen = 0", "delete from payout_record"])
async def test_a_record_cannot_be_changed(shop, statement):
    await shop.stay(1)
    await shop.payouts.run(DAY)
    before = await shop.records()
    for each in (statement, "update payout_item set amount_fen = 1", "delete from payout_item"):
        with pytest.raises(DBAPIError):
            async with shop.db.transaction() as tx:
                await tx.execute(text(each))
    assert await shop.records() == before


async def test_an_order_service_that_does_not_know_the_question_settles_no_day(shop):
    assert await shop.payouts.schedule_due_days() == 1
    shop.sidecar.answer("order", "/internal/usedOrders", {}, status=404)
    with pytest.raises(PeerUnavailable):
        await shop.payouts.run_scheduled()
    assert [row["completed_at"] for row in await rows(shop.db, "payout_day")] == [None]


async def test_days_that_were_missed_are_settled_when_order_answers_again(shop):
    assert await shop.payouts.schedule_due_days() == 1
    del shop.sidecar.answers["order", "/internal/usedOrders"]
    with pytest.raises(PeerUnavailable):
        await shop.payouts.run_scheduled()
    shop.now = NOW.replace(day=25)
    assert await shop.payouts.schedule_due_days() == 2
    shop.sidecar.answer("order", "/internal/usedOrders", {"list": []})
    await shop.payouts.run_scheduled()
    asked = [body["day"] for _, path, body in shop.sidecar.calls if path == "/internal/usedOrders"]
    assert asked == ["2026-11-22", "2026-11-22", "2026-11-23", "2026-11-24"]
    calls = len(shop.sidecar.calls)
    await shop.payouts.run_scheduled()
    assert len(shop.sidecar.calls) == calls


async def test_pages_are_followed_to_the_last(shop, monkeypatch):
    monkeypatch.setattr(OrderPeer, "PAGE", 2)
    for n in (1, 2, 3):
        await shop.stay(n)
    every = list(shop.used)

    def answer(request):
        import json

        import httpx

        body = json.loads(request.content)
        return httpx.Response(200, json={"list": [each for each in every if each["id"] > body["lastId"]][:2]})

    shop.sidecar.answers["order", "/internal/usedOrders"] = answer
    await shop.payouts.run(DAY)
    assert [row[3] for row in await shop.records()] == [3]


async def test_a_day_that_is_not_over_is_refused_and_nothing_is_wanted(shop):
    with pytest.raises(DayNotOver):
        await shop.payouts.schedule(date(2026, 11, 23), operator_id=9, note="why")
    assert await rows(shop.db, "payout_day") == []
    assert await rows(shop.db, "operator_act") == []


async def test_operators_list_what_was_earned(shop, desk):
    await shop.stay(1)
    await shop.stay(2, business=8)
    await shop.payouts.run(DAY)

    async def ask(**query):
        answer = await desk("payoutList", query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["list"]

    listed = await ask()
    assert [each["homestayBusinessId"] for each in listed] == [8, 7]
    assert {name: listed[1][name] for name in ("day", "seq", "staysFen", "feeFen", "netFen")} == {
        "day": "2026-11-22",
        "seq": 1,
        "staysFen": 19900,
        "feeFen": 119,
        "netFen": 19781,
    }
    assert await ask(homestayBusinessId=7, date="2026-11-22") == listed[1:]
    assert await ask(date="2026-11-23") == []
    assert (await desk("payoutList", {}, "merchant")).status_code == 403


async def test_cron_writes_the_day_down_and_answers_at_once(service):
    answer = await service.job("daily-payouts")
    assert (answer.status_code, answer.json()) == (200, {"claimed": 1})
    assert len(await service.rows("payout_day")) == 1
