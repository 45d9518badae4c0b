"""travel's copy of the nights that are taken: whatever order events come in, however often, the newest is kept."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.peers import PublishedPeers
from tests.support.postgres import PostgresServer

from servicekit.clock import Clock
from servicekit.errors import PeerUnavailable
from servicekit.events import CloudEvent, Received
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS
from travel.events import NightsUpdated
from travel.night_comparison import REPAIRED
from travel.parts import Parts
from travel.settings import Settings

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
ROWS = "select homestay_id, night::text, taken, stock, version from homestay_night order by 1, 2"
_numbers = itertools.count()


def event(homestay_id: int, *nights: tuple[str, int, int, int], event_id: str | None = None) -> dict[str, Any]:
    told = [dict(zip(("night", "taken", "stock", "version"), each, strict=True)) for each in nights]
    return {
        "specversion": "1.0",
        "id": event_id or str(uuid4()),
        "source": "minsu/order",
        "type": "minsu.order.nights-updated.v1",
        "data": {"homestayId": str(homestay_id), "nights": told, "changedAt": "2026-11-23T01:31:20Z"},
    }


async def hear(http: httpx.AsyncClient, *events: dict[str, Any]) -> list[str]:
    entries = [
        {"entryId": str(index), "event": each, "metadata": {"__key": each["data"]["homestayId"]}}
        for index, each in enumerate(events)
    ]
    response = await http.post("/events/order-nights", json={"id": "bulk", "entries": entries}, headers=SIDECAR_HEADERS)
    assert response.status_code == 200, response.text
    statuses = sorted(response.json()["statuses"], key=lambda each: int(each["entryId"]))
    return [each["status"] for each in statuses]


@pytest.fixture(autouse=True)
def empty(sql: psycopg.Connection) -> Iterator[None]:
    yield
    sql.execute("delete from homestay_night")
    sql.execute("delete from inbox")
    sql.execute("delete from night_comparison")


async def test_events_of_one_homestay_in_one_delivery_leave_the_newest(
    http: httpx.AsyncClient, sql: psycopg.Connection
) -> None:
    first, second = event(7, ("2026-12-05", 1, 2, 1), ("2026-12-06", 1, 2, 1)), event(7, ("2026-12-05", 2, 2, 2))

    assert await hear(http, second, first, event(8, ("2026-12-05", 1, 1, 4))) == ["SUCCESS"] * 3

    assert sql.execute(ROWS).fetchall() == [
        (7, "2026-12-05", 2, 2, 2),
        (7, "2026-12-06", 1, 2, 1),
        (8, "2026-12-05", 1, 1, 4),
    ]
    assert sql.execute("select count(*) from inbox").fetchone() == (3,)


async def test_an_older_event_changes_nothing_and_a_repeated_one_neither(
    http: httpx.AsyncClient, sql: psycopg.Connection
) -> None:
    newer = event(7, ("2026-12-05", 0, 1, 5))
    assert await hear(http, newer) == ["SUCCESS"]
    before = sql.execute(ROWS).fetchall()

    assert await hear(http, event(7, ("2026-12-05", 1, 1, 4)), newer, newer) == ["SUCCESS"] * 3

    assert sql.execute(ROWS).fetchall() == before == [(7, "2026-12-05", 0, 1, 5)]


@pytest.mark.parametrize("change", [{"homestayId": "x"}, {"nights": []}, {"nights": [{"night": "2026-12-05"}]}])
async def test_what_cannot_be_read_becomes_a_dead_letter_and_stops_no_other(
    change: dict[str, Any], http: httpx.AsyncClient, sql: psycopg.Connection
) -> None:
    wrong = event(7, ("2026-12-05", 1, 1, 1))
    wrong["data"] |= change

    assert await hear(http, wrong, event(8, ("2026-12-05", 1, 1, 1))) == ["DROP", "SUCCESS"]

    assert sql.execute(ROWS).fetchall() == [(8, "2026-12-05", 1, 1, 1)]


class Orders:
    """Order's rows."""

    def __init__(self, *rows: tuple[int, str, int, int, int]) -> None:
        self.rows = {(homestay, night): (taken, stock, version) for homestay, night, taken, stock, version in rows}
        self.is_down = False
        self.pages_left: int | None = None
        """How many pages are still read before order is down."""
        self.asked: list[dict[str, Any]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_down or self.pages_left == 0:
            raise PeerUnavailable("order is down")
        if self.pages_left is not None:
            self.pages_left -= 1
        asked = json.loads(request.content)
        self.asked.append(asked)
        after = (asked["afterHomestayId"], asked["afterNight"])
        page = [
            {"homestayId": key[0], "night": key[1], "taken": row[0], "stock": row[1], "version": row[2]}
            for key, row in sorted(self.rows.items())
            if key > after and key[1] >= asked["since"]
        ]
        return httpx.Response(200, json={"nights": page[: asked["pageSize"]]})

    def kept(self) -> list[tuple[int, str, int, int, int]]:
        return [(*key, *row) for key, row in sorted(self.rows.items())]


def parts_of(database_url: str, orders: Orders, clock: Clock = lambda: NOW) -> Parts:
    sidecar = PublishedPeers()
    sidecar.answers["order", "/internal/homestayNights"] = orders.answer
    told = Settings(database_url=database_url, app_api_token=APP_TOKEN, nights_settle_seconds=0)
    return Parts.of(told, clock=clock, sidecar=sidecar)


async def test_a_rebuild_takes_all_pages_and_forgets_what_order_does_not_have(
    database_url: str, sql: psycopg.Connection
) -> None:
    days = [(date(2026, 11, 23) + timedelta(days=n)).isoformat() for n in range(300)]
    orders = Orders(*((homestay, day, 1, 1, 3) for homestay in range(1, 9) for day in days))
    sql.execute("insert into homestay_night values (1, '2026-11-23', 7, 7, 99), (77, '2026-12-01', 1, 1, 1)")
    parts = parts_of(database_url, orders)

    assert await parts.taken_nights.rebuild(by="li@desk") == 2400

    assert sql.execute(ROWS).fetchall() == orders.kept()
    acts = sql.execute("select operator_id, act, subject, note from operator_act").fetchall()
    assert acts == [(0, "rebuild-nights", "nights", "li@desk")]
    assert [asked["afterHomestayId"] for asked in orders.asked] == [0, 4, 7]
    assert {asked["since"] for asked in orders.asked} == {"2026-11-16"}
    await parts.db.close()


async def test_nothing_that_was_taken_is_free_when_order_fails_in_the_middle_of_a_rebuild(
    database_url: str, sql: psycopg.Connection
) -> None:
    days = [(date(2026, 11, 23) + timedelta(days=n)).isoformat() for n in range(300)]
    orders = Orders(*((homestay, day, 2, 2, 3) for homestay in range(1, 9) for day in days))
    sql.execute(
        "insert into homestay_night select h, date '2026-11-23' + d, 1, 2, 99"
        " from generate_series(1, 8) h, generate_series(0, 299) d"
    )
    sql.execute("insert into homestay_night values (77, '2026-12-01', 1, 1, 1)")
    parts = parts_of(database_url, orders)
    orders.pages_left = 2
    with pytest.raises(PeerUnavailable):
        await parts.taken_nights.rebuild(by="li@desk")

    counted = "select taken, version > 0, count(*) from homestay_night group by 1, 2 order by 1, 2"
    assert sql.execute(counted).fetchall() == [(1, False, 401), (2, True, 2000)]

    orders.pages_left = None
    assert await parts.taken_nights.rebuild(by="li@desk") == 2400
    assert sql.execute(ROWS).fetchall() == orders.kept()
    await parts.db.close()


async def test_of_two_rebuilds_at_once_neither_forgets_what_the_other_has_not_read(
    database_url: str, sql: psycopg.Connection
) -> None:
    orders = Orders((7, "2026-12-05", 1, 1, 1), (8, "2026-12-05", 1, 1, 1))
    sql.execute("insert into homestay_night values (7, '2026-12-05', 1, 1, 9), (8, '2026-12-05', 1, 1, 9)")
    down = Orders()
    down.is_down = True
    parts, other = parts_of(database_url, orders), parts_of(database_url, down)
    pages = parts.taken_nights.pages

    async def another_begins(*args: Any) -> Any:
        async for page in pages(*args):
            yield page
        with pytest.raises(PeerUnavailable):
            await other.taken_nights.rebuild(by="li@desk")

    parts.taken_nights.pages = another_begins  # type: ignore[method-assign]

    assert await parts.taken_nights.rebuild(by="li@desk") == 2

    assert sql.execute("select homestay_id, taken from homestay_night order by 1").fetchall() == [(7, 1), (8, 1)]
    await other.db.close()
    await parts.db.close()


async def test_a_rebuild_without_order_can_be_run_again(database_url: str, sql: psycopg.Connection) -> None:
    orders = Orders((7, "2026-12-05", 1, 1, 1))
    parts = parts_of(database_url, orders)
    orders.is_down = True
    with pytest.raises(PeerUnavailable):
        await parts.taken_nights.rebuild(by="li@desk")
    orders.is_down = False

    assert await parts.taken_nights.rebuild(by="li@desk") == 1
    assert sql.execute(ROWS).fetchall() == orders.kept()
    await parts.db.close()


async def test_the_first_comparison_fills_the_model_and_the_next_one_is_due_at_half_past_four(
    database_url: str, sql: psycopg.Connection
) -> None:
    orders, before = Orders((7, "2026-12-05", 1, 1, 1)), REPAIRED._value.get()
    parts = parts_of(database_url, orders)

    assert [await parts.night_comparing.compare_due() for _ in range(2)] == [1, 0]

    assert sql.execute(ROWS).fetchall() == orders.kept()
    [(due_at, ended_at)] = sql.execute("select due_at, ended_at from night_comparison").fetchall()
    assert (due_at, ended_at) == (datetime(2026, 11, 23, 20, 30, tzinfo=UTC), NOW)
    assert REPAIRED._value.get() == before
    await parts.db.close()


async def test_a_comparison_repairs_what_differs_counts_it_and_forgets_what_is_long_over(
    database_url: str, sql: psycopg.Connection
) -> None:
    orders, before = Orders((7, "2026-12-05", 1, 1, 3), (7, "2026-12-06", 0, 1, 2), (8, "2026-12-05", 2, 4, 2)), 0.0
    sql.execute(
        "insert into homestay_night values (7, '2026-12-05', 0, 1, 2), (7, '2026-12-06', 1, 1, 2),"
        " (8, '2026-12-05', 3, 4, 3), (8, '2026-11-01', 1, 1, 1)"
    )
    sql.execute("insert into night_comparison (id, due_at, ended_at) values (1, %s, %s)", (NOW, NOW))
    parts, before = parts_of(database_url, orders), REPAIRED._value.get()

    assert await parts.night_comparing.compare_due() == 1

    newer_here = (8, "2026-12-05", 3, 4, 3)
    assert sql.execute(ROWS).fetchall() == [*orders.kept()[:2], newer_here]
    assert REPAIRED._value.get() - before == 2
    await parts.db.close()


async def test_a_night_whose_event_arrives_meanwhile_does_not_differ(
    database_url: str, sql: psycopg.Connection
) -> None:
    orders = Orders((7, "2026-12-05", 1, 1, 1), (8, "2026-12-05", 1, 1, 1))
    sql.execute("insert into night_comparison (id, due_at, ended_at) values (1, %s, %s)", (NOW, NOW))
    parts, before = parts_of(database_url, orders), REPAIRED._value.get()

    async def an_event_arrives(_seconds: float) -> None:
        data = NightsUpdated.model_validate(event(7, ("2026-12-05", 1, 1, 1))["data"])
        await parts.taken_nights.on_updated(CloudEvent(id="1", source="minsu/order"), data)

    parts.night_comparing.pause = an_event_arrives

    assert await parts.night_comparing.compare_due() == 1

    assert sql.execute(ROWS).fetchall() == orders.kept()
    assert REPAIRED._value.get() - before == 1
    await parts.db.close()


async def test_a_comparison_without_order_is_tried_again_and_only_one_replica_compares(
    database_url: str, sql: psycopg.Connection
) -> None:
    orders = Orders((7, "2026-12-05", 1, 1, 1))
    orders.is_down = True
    parts = parts_of(database_url, orders)

    done = await asyncio.gather(*(parts.night_comparing.compare_due() for _ in range(4)))

    assert sorted(done) == [0, 0, 0, 1]
    [(due_at, ended_at, leased)] = sql.execute("select due_at, ended_at, leased_until from night_comparison").fetchall()
    assert (due_at, ended_at, leased) == (NOW + timedelta(minutes=1), None, None)
    await parts.db.close()


CHANGES = st.lists(st.tuples(st.sampled_from([7, 8]), st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=25)


@given(changes=CHANGES, data=st.data())
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_all_events_with_any_of_them_twice_ends_with_orders_rows(
    changes: list[tuple[int, int, int]], data: st.DataObject, postgres: PostgresServer, database_url: str
) -> None:
    """Each change is of a homestay, so many nights, from so many days on; one delivery at a time, cut anywhere."""
    rows: dict[tuple[int, str], tuple[int, int, int]] = {}
    events = []
    for homestay, nights, first in changes:
        told = []
        for number in range(nights):
            night = (date(2026, 12, 1) + timedelta(days=first + number)).isoformat()
            taken, _, version = rows.get((homestay, night), (0, 9, 0))
            rows[homestay, night] = (taken + 1, 9, version + 1)
            told.append((night, *rows[homestay, night]))
        events.append(event(homestay, *told, event_id=f"e{next(_numbers)}"))
    arrivals = data.draw(st.permutations([*events, *events]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrivals)), max_size=4)))
    deliveries = [arrivals[a:b] for a, b in itertools.pairwise([0, *cuts, len(arrivals)]) if a < b]

    async def deliver() -> None:
        parts = parts_of(database_url, Orders())
        for delivery in deliveries:
            received = [
                Received(CloudEvent.model_validate(each), NightsUpdated.model_validate(each["data"]))
                for each in delivery
            ]
            assert await parts.taken_nights.on_updates(received) == set(range(len(received)))
        await parts.db.close()

    with psycopg.connect(database_url, autocommit=True) as sql:
        sql.execute("delete from homestay_night")
        asyncio.run(deliver())
        kept = sql.execute(ROWS).fetchall()
    assert kept == [(*key, *row) for key, row in sorted(rows.items())]
