"""What operators see of orders: those that are being closed and do not end; and a dead letter set going again."""

import re

from prometheus_client import REGISTRY
from sqlalchemy import text

from order import repository
from order.waiting import UNFINISHED
from servicekit.db import Database
from servicekit.unfinished import Ages
from tests.service.order.support import Order, paid

OPERATOR = 301
OPS = "/ops/"


async def ask(order: Order, name: str, body, *roles: str):
    return await order.post(OPS + name, body, user=OPERATOR, roles=roles or ["operator"])


async def data(order: Order, name: str, body):
    answer = await ask(order, name, body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_orders_that_wait_for_wechats_answer_are_listed_until_they_end(order: Order) -> None:
    first, second, _open = [await order.create() for _ in range(3)]
    order.peers.payment_is_away()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": first})
    order.clock.pass_by(seconds=2)
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": second})

    listed = (await data(order, "closingList", {}))["list"]
    assert [(each["sn"], each["attempts"], each["cause"]) for each in listed] == [
        (second, 1, "buyer"),
        (first, 1, "buyer"),
    ]
    assert listed[1] == {
        "id": order.row(first)["id"],
        "sn": first,
        "userId": 101,
        "orderTotalFen": 19900,
        "closeAt": "2026-11-23T02:00:00Z",
        "closingAt": "2026-11-23T01:30:00Z",
        "cause": "buyer",
        "attempts": 1,
        "nextAttemptAt": "2026-11-23T01:30:05Z",
    }
    assert (await data(order, "closingList", {"lastId": listed[0]["id"]}))["list"] == listed[1:]

    order.peers.payment_says("neverPaid")
    order.clock.pass_by(seconds=10)
    await order.inside("/jobs/order-close-unpaid")
    assert (await data(order, "closingList", {}))["list"] == []


async def test_a_closing_that_hangs_is_asked_about_at_once(order: Order, sql) -> None:
    sn = await order.create()
    order.peers.payment_is_away()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})

    again = await data(order, "closingRetry", {"sn": sn, "note": "why"})
    order.peers.payment_says("neverPaid")
    ended = await data(order, "closingRetry", {"sn": sn, "note": "why"})

    assert (again["sn"], again["tradeState"], again["closing"]) == (sn, 0, True)
    assert again["problem"]
    assert ended == {"sn": sn, "tradeState": -1, "closing": False, "problem": None}
    acted = sql.execute("select operator_id, act, subject from operator_act order by id").fetchall()
    assert [tuple(row) for row in acted] == [(OPERATOR, "retry-closing", f"order:{sn}")] * 2


async def test_only_what_is_being_closed_is_asked_about(order: Order) -> None:
    sn = await order.create()

    waiting = await ask(order, "closingRetry", {"sn": sn, "note": "why"})
    unknown = await ask(order, "closingRetry", {"sn": "HSO2026112309302600000000", "note": "why"})

    assert (waiting.status_code, waiting.json()["code"], waiting.json()["field"]) == (409, 103032, "sn")
    assert unknown.status_code == 404
    assert order.row(sn)["closing_at"] is None
    assert (await ask(order, "closingRetry", {"sn": sn, "note": "why"}, "buyer", "merchant")).status_code == 403


async def test_a_closing_is_not_retried_without_a_reason(order: Order, sql) -> None:
    sn = await order.create()
    order.peers.payment_is_away()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})
    before = order.row(sn)
    for note in ({}, {"note": None}, {"note": " "}):
        refused = await ask(order, "closingRetry", {"sn": sn} | note)
        assert (refused.status_code, refused.json()["field"]) == (422, "note")
    assert (order.row(sn), sql.execute("select * from operator_act").fetchall()) == (before, [])


async def test_a_poisonous_letter_pays_the_order_once_its_cause_is_fixed(order: Order, sql) -> None:
    sn = await order.create()
    letter = paid(sn, total_fen=1)
    await order.inside("/events/dead-letters/payment-update-paystatus-topic", letter)
    await order.inside("/jobs/order-reapply-dead-letters")
    [stuck] = (await data(order, "deadLetterList", {"state": "poison"}))["list"]
    assert (await data(order, "deadLetterReplay", {"id": stuck["id"], "note": "why"}))["poison"] == 1
    assert order.row(sn)["trade_state"] == 0

    sql.execute("update homestay_order set order_total_fen = 1, homestay_total_fen = 1 where sn = %s", (sn,))
    for _ in range(2):
        assert (await data(order, "deadLetterReplay", {"id": stuck["id"], "note": "why"}))["applied"] == 1
    assert order.states(sn) == [(1, None, 0), (2, 0, 1)]
    assert len(order.facts("order-update-tradestate-topic")) == 1


async def test_only_operators_may_look(order: Order) -> None:
    for name in ("closingList", "deadLetterList", "outboxStatus"):
        assert (await ask(order, name, {}, "buyer", "merchant")).status_code == 403


async def test_acts_cannot_be_changed_by_any_role(order: Order, sql) -> None:
    import psycopg
    import pytest

    sql.execute("insert into operator_act (operator_id, act, subject, acted_at) values (1, 'a', 's', now())")
    for statement in ("update operator_act set act = 'b'", "delete from operator_act"):
        with pytest.raises(psycopg.errors.RaiseException):
            sql.execute(statement)


async def test_payment_is_told_of_the_check_ins_of_a_day_in_shanghai_page_by_page(order: Order) -> None:
    used = []
    for _ in range(3):
        sn, payment_sn = await order.paid()
        await order.merchant("/verifyTradeCode", {"tradeCode": order.row(sn)["checkin_code"]})
        used.append((sn, payment_sn))
    await order.paid()

    async def ask(**body):
        return (await order.inside("/internal/usedOrders", {"day": "2026-11-23", **body})).json()["list"]

    first = await ask(pageSize=2)
    assert [(each["orderSn"], each["paymentSn"]) for each in first] == used[:2]
    row = order.row(used[0][0])
    whose = {"homestayId": row["homestay_id"], "homestayUserId": row["homestay_user_id"], "title": row["title"]}
    assert {name: first[0][name] for name in ("homestayBusinessId", "usedAt", *whose)} == {
        **whose,
        "homestayBusinessId": 3,
        "usedAt": "2026-11-23T01:30:00Z",
    }
    assert [each["orderSn"] for each in await ask(pageSize=2, lastId=first[1]["id"])] == [used[2][0]]
    assert await ask(day="2026-11-22") == await ask(day="2026-11-24") == []


async def test_how_long_a_refund_request_and_a_closing_wait_is_measured(order: Order, order_database: str) -> None:
    database = Database(order_database)
    waiting = Ages(database, order.clock, UNFINISHED)

    async def measured() -> list[float | None]:
        await waiting.measure()
        names = ("order_refund_requests_oldest_seconds", "order_closings_oldest_seconds")
        return [REGISTRY.get_sample_value(name) for name in names]

    assert await measured() == [0, 0]
    order.clock.pass_by(hours=4)  # past noon of the day
    requests = [(await order.paid(nights=2))[0] for _ in range(2)]
    closing, _open = [await order.create() for _ in range(2)]
    order.peers.payment_is_away()
    for sn in requests:
        await order.post("/homestayOrder/refundHomestayOrder", {"sn": sn, "reason": ""})
        order.clock.pass_by(seconds=30)
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": closing})
    order.clock.pass_by(seconds=20)

    assert await measured() == [80, 20]
    for sn in requests:
        await order.merchant("/refundDecision", {"sn": sn, "agree": True, "note": ""})
    order.peers.payment_says("neverPaid")
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": closing})

    assert await measured() == [0, 0]
    await database.close()


async def test_the_age_of_what_should_end_is_measured_by_its_state(order: Order, order_database: str) -> None:
    database = Database(order_database)
    ages = Ages(database, order.clock, UNFINISHED)

    async def measured() -> dict[str, float]:
        await ages.measure()
        found = {
            name.partition(".")[2]: REGISTRY.get_sample_value("unfinished_oldest_seconds", {"state": name})
            for name in (each.state for each in UNFINISHED)
        }
        return {name: age for name, age in found.items() if age}

    await order.create(days=40)
    agreed, _ = await order.paid(days=40)
    await order.paid(days=1)  # over at noon of the second day, Shanghai's
    assert await measured() == {}

    order.clock.pass_by(minutes=31)
    assert await measured() == {"wait_pay": 60}  # half an hour to pay
    await order.post("/homestayOrder/refundHomestayOrder", {"sn": agreed, "reason": ""})
    order.clock.pass_by(minutes=2)
    assert await measured() == {"wait_pay": 180, "requested": 120}  # so early it is given back by rule
    order.clock.pass_by(hours=49, minutes=57)  # 12:00 of the day after the only night
    assert "wait_use" not in await measured()
    order.clock.pass_by(seconds=7)
    assert (await measured())["wait_use"] == 7
    await database.close()


MANY_STAYS = """
insert into homestay_order select (jsonb_populate_record(o, jsonb_build_object('id', o.id + n, 'sn', 'S' || n,
  'checkin_code', 'C' || n, 'request_key', 'K' || n, 'live_start_date', o.live_end_date + n / 100,
  'live_end_date', o.live_end_date + n / 100 + 1,
  'refund_state', case when n <= 20 then 'failed' else 'none' end, 'refund_fen', o.order_total_fen,
  'trade_state', case when n <= 20 or n > 15000 then 1 else 3 end))).*
from homestay_order o, generate_series(1, 20000) n where o.sn = %s
"""


async def test_the_oldest_stay_that_is_over_is_read_off_an_index(order: Order, order_database: str, sql) -> None:
    """Twenty thousand orders, a quarter of them to come, and the first of these not to be counted."""
    sn, _ = await order.paid()
    sql.execute(MANY_STAYS, (sn,))
    sql.execute("update homestay_order set trade_state = 3 where sn = %s", (sn,))
    sql.execute("analyze homestay_order")
    database = Database(order_database)

    async with database.read() as session:
        query = repository.oldest_stay_over().compile(
            dialect=session.bind.dialect, compile_kwargs={"literal_binds": True}
        )
        seen = list((await session.execute(text(f"explain analyze {query}"))).scalars())
        first = await session.scalar(repository.oldest_stay_over())

    [expected] = order.rows("select live_end_date from homestay_order where sn = 'S15001'")
    assert first == expected["live_end_date"]
    [scan] = [line for line in seen if "Scan" in line and "InitPlan" not in line]
    assert "Index Scan using ix_homestay_order_stay_over" in scan, seen
    assert re.search(r"actual .* rows=1(\.0+)? loops=1", scan), seen
    await database.close()
