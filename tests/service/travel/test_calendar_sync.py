"""Foreign calendars that are due are fetched and block nights; on a real PostgreSQL, from a server on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from aiohttp import web
from tests.support.calendar_server import CalendarServer, calendar, calendar_server

from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar, called_by, client
from travel.ical import sync
from travel.main import create_app
from travel.parts import Parts
from travel.settings import Settings

NOON = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)  # past midnight in Shanghai: the first of December
HOMESTAY = 3


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server() -> AsyncIterator[CalendarServer]:
    async with calendar_server() as given:
        yield given


@pytest.fixture(autouse=True)
def emptied(sql):
    sql.execute("delete from foreign_calendar")


@pytest.fixture
async def parts(database_url, clock) -> AsyncIterator[Parts]:
    settings = Settings(database_url=database_url, app_api_token=APP_TOKEN, calendars_allow_local=True)
    made = Parts.of(settings, clock=clock, sidecar=FakeSidecar())
    yield made
    await made.db.close()


@pytest.fixture
def run(parts, clock):
    """Everything is due, and the job runs once."""

    async def due() -> int:
        clock.now += timedelta(hours=2)
        return await parts.calendar_sync.fetch_due()

    return due


def imported(sql, url: str, homestay: int = HOMESTAY) -> int:
    row = sql.execute(
        "insert into foreign_calendar (homestay_id, name, url, due_at) values (%s, '途家', %s, %s) returning id",
        [homestay, url, NOON],
    )
    return row.fetchone()[0]


def blocked(sql, calendar_id: int) -> list[int]:
    """Days of December 2026."""
    rows = sql.execute("select night from blocked_night where calendar_id = %s order by night", [calendar_id])
    nights = [row[0] for row in rows]
    assert all((night.year, night.month) == (2026, 12) for night in nights)
    return [night.day for night in nights]


def state(sql, calendar_id: int) -> tuple:
    """(error, fetched, etag, tries, leased, due after) of a calendar."""
    return sql.execute(
        "select error, fetched_at, etag, tries, leased_until is not null, due_at from foreign_calendar where id = %s",
        [calendar_id],
    ).fetchone()


async def test_its_events_block_nights_until_they_are_gone(sql, server, run, clock):
    server.gives["/a.ics"] = calendar(("20261205", "20261207"), ("20261220", "20261221"))
    mine = imported(sql, server.url("/a.ics"))

    assert await run() == 1
    assert blocked(sql, mine) == [5, 6, 20]
    assert state(sql, mine) == ("", clock.now, None, 0, False, clock.now + timedelta(minutes=15))

    server.gives["/a.ics"] = calendar(("20261206", "20261208"))
    assert await run() == 1
    assert blocked(sql, mine) == [6, 7]

    server.gives["/a.ics"] = calendar()  # all guests cancelled
    assert await run() == 1
    assert blocked(sql, mine) == []


async def test_what_is_over_is_not_kept(sql, server, run, clock):
    server.gives["/a.ics"] = calendar(("20261129", "20261203"))
    mine = imported(sql, server.url("/a.ics"))
    await run()
    assert blocked(sql, mine) == [1, 2]
    clock.now += timedelta(days=1)
    await run()
    assert blocked(sql, mine) == [2]


async def test_a_calendar_is_fetched_when_it_is_due_and_by_one_replica(sql, server, parts, clock):
    server.gives["/a.ics"] = calendar(("20261205", "20261206"))
    imported(sql, server.url("/a.ics"))
    assert sorted(await asyncio.gather(*(parts.calendar_sync.fetch_due() for _ in range(4)))) == [0, 0, 0, 1]
    clock.now += timedelta(minutes=14)
    assert await parts.calendar_sync.fetch_due() == 0
    clock.now += timedelta(minutes=1)
    assert await parts.calendar_sync.fetch_due() == 1
    assert len(server.asked) == 2


async def broken(_request) -> web.Response:
    return web.Response(status=500)


@pytest.mark.parametrize(
    ("then", "fault"),
    [
        (None, "calendar-gone"),
        (broken, "calendar-unreachable"),
        (b"", "calendar-unreadable"),
        (b"<html>please sign in</html>", "calendar-unreadable"),
        (calendar(("20261220", "20261221"))[:-5], "calendar-unreadable"),
        (b"x" * 1_000_001, "calendar-too-large"),
    ],
    ids=["gone", "down", "empty", "html", "torn", "large"],
)
async def test_a_broken_calendar_unblocks_nothing_and_says_so_until_it_is_well_again(
    sql, server, run, clock, then, fault
):
    server.gives["/a.ics"] = calendar(("20261205", "20261207"))
    mine = imported(sql, server.url("/a.ics"))
    await run()
    fetched_at = clock.now

    server.gives["/a.ics"] = then
    await run()
    assert blocked(sql, mine) == [5, 6]
    error, fetched, _, tries, leased, due_at = state(sql, mine)
    assert (error, fetched, tries, leased) == (fault, fetched_at, 1, False)
    assert timedelta(seconds=54) <= due_at - clock.now <= timedelta(seconds=66)
    await run()
    assert (blocked(sql, mine), state(sql, mine)[3]) == ([5, 6], 2)

    server.gives["/a.ics"] = calendar(("20261206", "20261207"))
    await run()
    assert (blocked(sql, mine), state(sql, mine)[0], state(sql, mine)[3]) == ([6], "", 0)


async def test_pauses_after_failures_grow_to_the_usual_time(sql, server, parts, clock):
    mine = imported(sql, server.url("/a.ics"))
    pauses = []
    for _ in range(7):
        assert await parts.calendar_sync.fetch_due() == 1
        due_at = state(sql, mine)[5]
        pauses.append(round((due_at - clock.now).total_seconds() / 60))
        clock.now = due_at
    assert pauses[0] == 1
    assert all(13 <= pause <= 17 for pause in pauses[-3:])


async def test_a_calendar_that_is_read_in_part_only_adds(sql, server, run):
    server.gives["/a.ics"] = calendar(("20261205", "20261206"))
    mine = imported(sql, server.url("/a.ics"))
    await run()
    server.gives["/a.ics"] = calendar(("20261210", "20261211"), ("sometime", "later"))
    await run()
    assert (blocked(sql, mine), state(sql, mine)[0]) == ([5, 10], "calendar-partly-unreadable")
    server.gives["/a.ics"] = calendar(("20261210", "20261211"))
    await run()
    assert (blocked(sql, mine), state(sql, mine)[0]) == ([10], "")


async def test_unchanged_keeps_what_was_blocked_and_is_believed_for_a_day(sql, server, run, clock):
    async def versioned(request):
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=calendar(("20261205", "20261206")), headers={"ETag": '"1"'})

    server.gives["/a.ics"] = versioned
    mine = imported(sql, server.url("/a.ics"))
    for _ in range(2):
        await run()
        assert (blocked(sql, mine), state(sql, mine)[:3]) == ([5], ("", clock.now, '"1"'))
    clock.now += timedelta(days=1)
    await run()
    assert server.versions == ["", '"1"', ""]


async def test_a_fetch_that_outlasts_its_lease_changes_nothing(sql, server, parts, clock):
    """Another replica has read a newer text meanwhile: the older one must not unblock."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    texts = iter([calendar(("20261205", "20261206")), calendar(("20261210", "20261211"))])

    async def slow_first(_request):
        text = next(texts)
        if b"20261205" in text:
            begun.set()
            await go_on.wait()
        return web.Response(body=text)

    server.gives["/a.ics"] = slow_first
    mine = imported(sql, server.url("/a.ics"))
    late = asyncio.create_task(parts.calendar_sync.fetch_due())
    await begun.wait()
    clock.now += sync.LEASE
    assert await parts.calendar_sync.fetch_due() == 1
    before = state(sql, mine)
    go_on.set()
    await late
    assert (blocked(sql, mine), state(sql, mine)) == ([10], before)


async def test_a_calendar_that_is_removed_while_it_is_fetched_blocks_nothing(sql, server, parts):
    async def removing(_request):
        sql.execute("delete from foreign_calendar")
        return web.Response(body=calendar(("20261205", "20261206")))

    server.gives["/a.ics"] = removing
    imported(sql, server.url("/a.ics"))
    assert await parts.calendar_sync.fetch_due() == 1
    assert sql.execute("select count(*) from blocked_night").fetchone() == (0,)


async def test_one_bad_calendar_stops_no_other(sql, server, run):
    server.gives |= {"/a.ics": b"bad", "/b.ics": calendar(("20261205", "20261206"))}
    bad, good = imported(sql, server.url("/a.ics")), imported(sql, server.url("/b.ics"))
    assert await run() == 2
    assert (blocked(sql, bad), blocked(sql, good)) == ([], [5])


async def test_without_the_local_switch_the_job_reaches_nothing_here(sql, server, database_url, tokens):
    server.gives["/a.ics"] = calendar(("20261205", "20261206"))
    mine = imported(sql, server.url("/a.ics"))
    sql.execute("update foreign_calendar set due_at = now()")
    settings = Settings(database_url=database_url, app_api_token=APP_TOKEN)
    async with client(create_app(settings, sidecar=FakeSidecar(), verifier=tokens.verifier())) as http:
        answer = await http.post("/jobs/travel-fetch-calendars", headers=SIDECAR_HEADERS)
    assert (answer.status_code, answer.json()) == (200, {"claimed": 1})
    assert (blocked(sql, mine), state(sql, mine)[0], server.connections) == ([], "calendar-refused", 0)


async def test_an_order_is_told_that_blocked_nights_are_closed(sql, server, run, http, parts):
    server.gives |= {"/a.ics": calendar(("20261205", "20261207")), "/b.ics": calendar(("20261206", "20261208"))}
    imported(sql, server.url("/a.ics"))
    imported(sql, server.url("/b.ics"))
    imported(sql, server.url("/b.ics"), homestay=4)
    await run()

    async def closed(homestay: int) -> list[str]:
        asked = {"homestayId": homestay, "start": "2026-12-04", "end": "2026-12-10"}
        answer = await http.post("/internal/homestaySnapshot", json=asked, headers=called_by("order"))
        assert answer.status_code == 200, answer.text
        assert [each["night"] for each in answer.json()["nights"]] == [f"2026-12-0{day}" for day in range(4, 10)]
        return [each["night"][-2:] for each in answer.json()["nights"] if each["closed"]]

    assert [await closed(homestay) for homestay in (HOMESTAY, 4, 5)] == [["05", "06", "07"], ["06", "07"], []]
    sql.execute("insert into homestay_date (homestay_id, night, closed) values (%s, '2026-12-09', true)", [HOMESTAY])
    sql.execute("delete from foreign_calendar where url like '%%/a.ics'")
    try:
        assert await closed(HOMESTAY) == ["06", "07", "09"]
    finally:
        sql.execute("delete from homestay_date where homestay_id = %s and night = %s", [HOMESTAY, date(2026, 12, 9)])
