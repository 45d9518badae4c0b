"""How many orders became paid in the last hours, and how long that took from WeChat's payment."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from order import repository
from servicekit.clock import utc_text
from servicekit.db import Database
from tests.service.order.support import Order

OPERATOR = 301


async def ask(order: Order, body, *roles: str):
    return await order.post("/ops/confirmationStatistics", body, user=OPERATOR, roles=roles or ["operator"])


async def test_paid_orders_are_counted_in_steps_with_the_time_until_they_were_confirmed(order: Order, sql) -> None:
    """The clock stands at 01:30."""
    first, second, third = [(await order.paid())[0] for _ in range(3)]
    await order.create()
    sql.execute("alter table order_transition disable trigger user")
    for sn, at, seconds in ((first, "00:05:00", 1), (second, "00:09:59", 3), (third, "01:30:00", 0.25)):
        moment = f"2026-11-23 {at}+00"
        sql.execute("update homestay_order set paid_at = %s where sn = %s", (moment, sn))
        sql.execute(
            "update order_transition t set created_at = %s::timestamptz + make_interval(secs => %s)"
            " from homestay_order o where o.id = t.order_id and o.sn = %s and t.to_state = 1",
            (moment, seconds, sn),
        )
    sql.execute("alter table order_transition enable trigger user")

    found = (await ask(order, {"hours": 2, "stepMinutes": 15})).json()["data"]

    assert (found["since"], found["until"]) == ("2026-11-22T23:45:00Z", "2026-11-23T01:45:00Z")
    assert found["confirmed"] == [
        {"at": "2026-11-23T00:00:00Z", "count": 2, "p50Seconds": 2.0, "p99Seconds": pytest.approx(2.98)},
        {"at": "2026-11-23T01:30:00Z", "count": 1, "p50Seconds": 0.25, "p99Seconds": 0.25},
    ]
    order.clock.pass_by(hours=3)
    assert (await ask(order, {"hours": 2})).json()["data"]["confirmed"] == []
    assert found["until"] < utc_text(order.clock())


async def test_only_operators_may_look_and_only_at_whole_steps(order: Order) -> None:
    assert (await ask(order, {}, "buyer", "merchant")).status_code == 403
    for body in ({"hours": 0}, {"hours": 25}, {"stepMinutes": 61}, {"stepMinutes": 7}):
        assert (await ask(order, body)).status_code == 422


async def test_the_reason_of_a_retried_closing_is_kept(order: Order, sql) -> None:
    sn = await order.create()
    order.peers.payment_is_away()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})
    retry = {"sn": sn, "note": "guest called"}
    await order.post("/ops/closingRetry", retry, user=OPERATOR, roles=["operator"])
    assert [tuple(row) for row in sql.execute("select act, subject, note from operator_act")] == [
        ("retry-closing", f"order:{sn}", "guest called")
    ]


MANY = """
insert into order_transition (order_id, seq, from_state, to_state, cause, created_at)
select o.id, n + 10, 0, 1, 'test', timestamptz '2026-11-01 00:00:00+00' + n * interval '1 minute'
from homestay_order o, generate_series(1, 50000) n where o.sn = %s
"""


async def test_the_last_hours_are_read_off_an_index(order: Order, order_database: str, sql) -> None:
    """Of fifty thousand orders in five weeks."""
    sn, _ = await order.paid()
    sql.execute(MANY, (sn,))
    sql.execute("vacuum analyze order_transition")
    database = Database(order_database)
    query = repository.CONFIRMED.bindparams(
        step=timedelta(hours=1), since=order.clock() + timedelta(days=10), until=order.clock() + timedelta(days=11)
    )

    async with database.read() as session:
        seen = [row[0] for row in await session.execute(text(f"explain {query}"), query.compile().params)]

    assert any("on ix_order_transition_created_at" in line for line in seen), seen
    await database.close()
