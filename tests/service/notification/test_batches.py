"""Many messages at once: what they share, and that none of them harms another."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from notification.attempts import LEASE
from servicekit.testing import SIDECAR_HEADERS
from tests.service.notification.conftest import ORDER, SN, Service, World, event
from tests.service.notification.wechat import OPENID, PAID, FakeWechat, answer
from tests.support.postgres import as_owner


def numbers(count: int) -> list[str]:
    return [f"HSO20261123093026{number:08d}" for number in range(count)]


def order_of(request: httpx.Request) -> str:
    return str(json.loads(request.content)["data"]["character_string6"]["value"])


class ByOrder:
    """WeChat's answers by the order that a message is about; all others are accepted."""

    def __init__(self, wechat: FakeWechat, **answers: Any) -> None:
        self.answers, self._send = answers, wechat.send
        wechat.send = self  # type: ignore[method-assign]  # stands where the answer is made

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        found = self.answers.get(order_of(request))
        if isinstance(found, Exception):
            raise found
        return answer(*found) if found else await self._send(request)


def orders_are(world: World, changed: dict[str, Any]) -> None:
    """`changed`: by number what differs from ORDER; None leaves the order out."""

    def found(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)["orderSns"]
        told = [{**ORDER, "sn": sn, **(changed.get(sn) or {})} for sn in asked if changed.get(sn, {}) is not None]
        return httpx.Response(200, json={"orders": told})

    world.sidecar.answers["order", "/internal/orders"] = found


def tasks(service: Service) -> dict[str, tuple[Any, ...]]:
    """(state, cause, reason, attempts, tries, version) by order."""
    rows = service.rows("select * from notification_task order by id")
    columns = ("state", "cause", "reason", "attempts", "tries", "version")
    return {row["order_sn"]: tuple(row[column] for column in columns) for row in rows}


def outcomes(service: Service) -> dict[str, list[tuple[int, str, int | None]]]:
    rows = service.rows(
        "select order_sn, seq, outcome, errcode from delivery_attempt a join notification_task t on t.id = a.task_id"
        " order by a.task_id, seq"
    )
    found: dict[str, list[tuple[int, str, int | None]]] = {}
    for row in rows:
        found.setdefault(row["order_sn"], []).append((row["seq"], row["outcome"], row["errcode"]))
    return found


async def test_a_hundred_messages_read_their_orders_and_openids_with_one_call_each(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    service = await world.start(parallel=100)
    service.plan(*numbers(100))
    await service.courier.fresh.start_due()
    await service.courier.idle()
    assert set(tasks(service).values()) == {("sent", None, "accepted", 1, 1, 2)}
    assert len(world.wechat.sends) == 100
    [(_, path, body), (_, other, _)] = world.sidecar.calls
    assert (path, sorted(body["orderSns"]), other) == ("/internal/orders", numbers(100), "/internal/authByUser")


async def test_buyers_and_merchants_of_a_batch_are_read_with_one_call(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    first, second, third = numbers(3)
    orders_are(world, {second: {"userId": 43}, third: {"userId": 44}})
    world.sidecar.answer(
        "usercenter",
        "/internal/openids",
        {"openids": [{"userId": 43, "openid": OPENID}, {"userId": 42, "openid": OPENID}]},
    )
    service = await world.start()
    service.plan(first, second, third)
    await service.tick()
    asked = [body for _, path, body in world.sidecar.calls if path == "/internal/openids"]
    assert [sorted(body["userIds"]) for body in asked] == [[42, 43, 44]]
    assert {sn: task[:2] for sn, task in tasks(service).items()} == {
        first: ("sent", None), second: ("sent", None), third: ("refused", "no-openid"),
    }  # fmt: skip


async def test_each_task_of_a_batch_gets_its_own_end_exactly(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    sent, refused, busy, unknown, invalid, stale, cancelled, lost, unreadable, wrong, missing = numbers(11)
    ByOrder(
        world.wechat,
        **{refused: (43101, "no"), busy: (-1, "busy"), unknown: httpx.ReadTimeout("late"), invalid: (40037, "bad")},
    )
    orders_are(
        world,
        {
            stale: {"tradeState": 3},
            cancelled: {"tradeState": -1, "tradeCode": None},
            lost: None,
            unreadable: {"userId": None},
            wrong: {"totalFen": 10**12},
            missing: {"userId": 43},
        },
    )
    world.sidecar.let_differ("order", "/internal/orders")
    world.sidecar.answer("usercenter", "/internal/openids", {"openids": [{"userId": 42, "openid": OPENID}]})
    service = await world.start()
    service.plan(*numbers(11))
    assert await service.tick() == 11
    no_openid = "no openid: the user has never signed in to the mini program"
    assert tasks(service) == {
        sent: ("sent", None, "accepted", 1, 1, 2),
        refused: ("refused", "user-refused", "43101 no", 1, 1, 2),
        busy: ("pending", None, "-1 busy", 1, 1, 2),
        unknown: ("pending", None, "ReadTimeout", 1, 1, 2),
        invalid: ("invalid", "invalid-template", "40037 bad", 1, 1, 2),
        stale: ("cancelled", None, "the order is in state 3 now", 0, 0, 2),
        cancelled: ("cancelled", None, "the order is in state -1 now", 0, 0, 2),
        lost: ("pending", None, "order: 404 for an order that it published", 1, 1, 2),
        unreadable: ("pending", None, "order: /internal/orders cannot be read: userId", 1, 1, 2),
        wrong: ("invalid", "unrenderable", "does not fit the template: an amount beyond ten digits", 0, 0, 2),
        missing: ("refused", "no-openid", no_openid, 0, 0, 2),
    }
    assert outcomes(service) == {
        sent: [(1, "accepted", 0)],
        refused: [(1, "refused", 43101)],
        busy: [(1, "failed", -1)],
        unknown: [(1, "unknown", None)],
        invalid: [(1, "invalid", 40037)],
        lost: [(1, "not_sent", None)],
        unreadable: [(1, "not_sent", None)],
    }
    moves = service.rows(
        "select order_sn, seq, from_state, to_state, t.reason = m.reason as same, actor from notification_transition m"
        " join notification_task t on t.id = m.task_id order by t.id"
    )
    ended = {sn: task[0] for sn, task in tasks(service).items() if task[0] != "pending"}
    assert [tuple(move.values()) for move in moves] == [
        (sn, 2, "pending", state, True, "notification") for sn, state in ended.items()
    ]
    waiting = service.rows(
        "select leased_until, due_at > %s as later from notification_task where state = 'pending'", world.clock.now
    )
    assert waiting == [{"leased_until": None, "later": True}] * 4


async def test_a_doubt_about_one_message_of_a_batch_is_no_doubt_about_another(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    doubted, other = numbers(2)
    line = ByOrder(world.wechat, **{doubted: httpx.ReadTimeout("late"), other: (-1, "busy")})
    service = await world.start()
    service.plan(doubted, other)
    await service.tick()
    line.answers = {doubted: (43101, "no"), other: (43101, "no")}
    assert await service.tick(minutes=1) == 2
    assert {sn: task[0] for sn, task in tasks(service).items()} == {doubted: "sent", other: "refused"}
    assert outcomes(service) == {
        doubted: [(1, "unknown", None), (2, "presumed", 43101)],
        other: [(1, "failed", -1), (2, "refused", 43101)],
    }


async def test_a_peer_that_is_down_delays_all_that_need_it_and_ends_those_that_do_not(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    first, second, cancelled = numbers(3)
    orders_are(world, {second: {"userId": 43}, cancelled: {"tradeState": 2}})
    service = await world.start()
    service.plan(first, second, cancelled)
    await service.tick()
    reason = "usercenter: no answer for /internal/openids in this test"
    assert tasks(service) == {
        first: ("pending", None, reason, 1, 1, 2),
        second: ("pending", None, reason, 1, 1, 2),
        cancelled: ("cancelled", None, "the order is in state 2 now", 0, 0, 2),
    }
    assert outcomes(service) == {first: [(1, "not_sent", None)], second: [(1, "not_sent", None)]}
    assert await service.tick(seconds=1) == 0
    openids = [{"userId": user_id, "openid": OPENID} for user_id in (42, 43)]
    world.sidecar.answer("usercenter", "/internal/openids", {"openids": openids})
    assert await service.tick(minutes=1) == 2
    assert {sn: task[0] for sn, task in tasks(service).items()} == {
        first: "sent",
        second: "sent",
        cancelled: "cancelled",
    }


@contextmanager
def refused_by_the_table(service: Service, condition: str, table: str = "delivery_attempt") -> Iterator[None]:
    service.execute(f"alter table {table} add constraint poison check ({condition}) not valid")
    try:
        yield
    finally:
        service.execute(f"alter table {table} drop constraint poison")


async def test_an_outcome_that_cannot_be_written_keeps_no_other_from_being_recorded(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    poison = numbers(5)[2]
    line = ByOrder(world.wechat, **{poison: (777, "odd")})
    service = await world.start()
    service.plan(*numbers(5))
    with refused_by_the_table(service, "errcode is distinct from 777"):
        await service.tick()
    states = {sn: task[0] for sn, task in tasks(service).items()}
    assert states == dict.fromkeys(numbers(5), "sent") | {poison: "pending"}
    assert outcomes(service)[poison] == [(1, "unknown", None)]
    line.answers.clear()
    assert await service.tick(seconds=LEASE.total_seconds() + 1) == 1
    assert outcomes(service)[poison] == [(1, "unknown", None), (2, "accepted", 0)]
    assert len(world.wechat.sends) == 5


async def test_an_attempt_that_cannot_be_begun_is_not_sent_and_keeps_no_other_from_it(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    service = await world.start()
    service.plan(*numbers(5))
    poison = service.rows("select id from notification_task where order_sn = %s", numbers(5)[2])[0]["id"]
    with refused_by_the_table(service, f"task_id <> {poison}"):
        await service.tick()
    told = [sent["data"]["character_string6"]["value"] for sent in world.wechat.sends]
    assert sorted(told) == [sn for sn in numbers(5) if sn != numbers(5)[2]]
    assert tasks(service)[numbers(5)[2]][3:] == (0, 0, 1)
    assert await service.tick(seconds=LEASE.total_seconds() + 1) == 1
    assert {task[0] for task in tasks(service).values()} == {"sent"}


async def test_a_task_that_another_transaction_holds_is_left_to_its_lease_and_holds_up_no_other(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    held = numbers(5)[2]
    service = await world.start()
    service.plan(*numbers(5))
    claims = service.courier.fresh.claim
    with psycopg.connect(as_owner(service.database_url)) as other:

        async def claim_and_hold(limit: int) -> Any:
            found = await claims(limit)
            other.execute("select 1 from notification_task where order_sn = %s for update", [held])
            return found

        service.courier.fresh.claim = claim_and_hold
        await service.courier.fresh.start_due()
        await service.courier.idle()
        states = {sn: task[0] for sn, task in tasks(service).items()}
        assert states == dict.fromkeys(numbers(5), "sent") | {held: "pending"}
    service.courier.fresh.claim = claims
    assert outcomes(service).get(held) is None
    assert await service.tick(seconds=LEASE.total_seconds() + 1) == 1
    assert outcomes(service)[held] == [(1, "accepted", 0)]


async def bulk(service: Service, *events: dict[str, Any]) -> list[str]:
    """Deliver events in one bulk; the status of each."""
    entries = [
        {"entryId": str(place), "event": each, "metadata": {"__key": each["data"]["orderSn"]}}
        for place, each in enumerate(events)
    ]
    response = await service.http.post("/events/order-state", json={"entries": entries}, headers=SIDECAR_HEADERS)
    statuses = {each["entryId"]: each["status"] for each in response.json()["statuses"]}
    return [statuses[str(place)] for place in range(len(events))]


async def test_a_bulk_delivery_plans_the_tasks_of_all_its_events_once(world: World) -> None:
    world.sidecar.answers.clear()
    service = await world.start()
    paid = [event(1, sn=sn, event_id=f"e-{sn}") for sn in numbers(100)]
    used, closed = event(2, sn=SN), event(-1, sn="HSO2026112309302799999999")
    refunded, poison = event(3, sn="HSO2026112309302799999998"), event(1, sn="PMT1")
    for _ in range(2):
        assert await bulk(service, *paid, used, closed, refunded, poison) == ["SUCCESS"] * 103 + ["DROP"]
        await service.courier.idle()
    planned = service.rows(
        "select kind, count(*) as n, count(distinct traceparent) as traces from notification_task group by 1 order by 1"
    )
    assert [tuple(each.values()) for each in planned] == [
        ("before_arrival", 100, 100), ("paid", 100, 100), ("refunded", 1, 1),
    ]  # fmt: skip
    assert len(service.rows("select * from inbox")) == 103


async def test_a_bulk_delivery_cancels_what_is_not_sent(world: World) -> None:
    world.sidecar.answers.clear()
    service = await world.start()
    first, second, third = numbers(3)
    await bulk(service, *(event(1, sn=sn) for sn in (first, second)))
    await service.courier.idle()
    assert await bulk(service, event(2, sn=first), event(3, sn=second), event(1, sn=third)) == ["SUCCESS"] * 3
    await service.courier.idle()
    rows = service.rows("select order_sn, kind, state from notification_task order by order_sn, kind")
    assert [tuple(row.values()) for row in rows] == [
        (first, "before_arrival", "cancelled"), (first, "paid", "cancelled"),
        (second, "before_arrival", "cancelled"), (second, "paid", "cancelled"), (second, "refunded", "pending"),
        (third, "before_arrival", "pending"), (third, "paid", "pending"),
    ]  # fmt: skip


@pytest.mark.parametrize("waiting", [1700])
async def test_a_purchase_beside_a_backlog_is_in_the_next_batch(world: World, waiting: int) -> None:
    world.wechat.quota[OPENID, PAID] = 10_000
    service = await world.start(parallel=100, parallel_retries=50)
    service.plan(*numbers(waiting))
    await service.courier.start_due()
    await service.hears(1, sn=SN, settle=False)
    await service.courier.idle()
    told = [sent["data"].get("character_string6", {"value": SN})["value"] for sent in world.wechat.sends]
    assert len(told) == waiting + 2
    last = max(place for place, sn in enumerate(told) if sn == SN)
    assert last < 400  # the batches under way, and one more of each worker
