"""Homestays are found by place, people, price and dates; with dates only those that are free."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.postgres import PostgresServer, as_owner

from order import pricing
from order.peers import Homestay as OfferedToOrder
from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, called_by, client
from travel.main import create_app
from travel.night_prices import night_offers
from travel.search_repository import Criteria, Sort, parameters, statement
from travel.settings import Settings

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
SNAPSHOT = "/internal/homestaySnapshot"
SEARCH, FREE, CALENDAR = "/travel/v1/homestay/search", "/internal/freeStays", "/travel/v1/homestay/homestayCalendar"
PROMOTED = [11, 10, 9, 8, 7, 5, 2, 1]
CHANGED = ("homestay_night", "homestay_date", "blocked_night", "foreign_calendar")


@pytest.fixture
async def http(
    database_url: str, sidecar: FakeSidecar, tokens: Tokens, sql: psycopg.Connection
) -> AsyncIterator[httpx.AsyncClient]:
    told = Settings(database_url=database_url, app_api_token=APP_TOKEN)
    app = create_app(told, clock=lambda: NOW, sidecar=sidecar, verifier=tokens.verifier())
    async with client(app) as connected:
        yield connected


@pytest.fixture(autouse=True)
def as_it_was(sql: psycopg.Connection) -> Iterator[None]:
    yield
    for table in CHANGED:
        sql.execute(f"delete from {table}".encode())  # noqa: S608 - our own names
    sql.execute("update homestay set weekend_price_fen = null, min_nights = 1, max_nights = 90, days_ahead = 365")
    sql.execute("update homestay set stock = 1 where sold_by = 0 and id <> 9")


async def search(http: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    response = await http.post(SEARCH, json={"pageSize": 50} | body)
    assert response.status_code == 200, response.text
    data: dict[str, Any] = response.json()["data"]
    return data


async def ids(http: httpx.AsyncClient, **body: Any) -> list[int]:
    data = await search(http, **body)
    found = [each["id"] for each in data["list"]]
    assert data["total"] == len(found)
    return found


STAY = {"start": "2026-12-04", "end": "2026-12-06"}  # Friday and Saturday night


async def test_without_anything_all_that_is_on_sale_is_found_promoted_ones_first(http: httpx.AsyncClient) -> None:
    assert await ids(http) == [*PROMOTED, 6, 4, 3]


async def test_a_hit_is_a_homestay_with_its_price_and_with_dates_the_stay(
    http: httpx.AsyncClient, sql: psycopg.Connection
) -> None:
    sql.execute("update homestay set weekend_price_fen = 80001 where id = 1")
    sql.execute("insert into homestay_date (homestay_id, night, price_fen) values (1, '2026-12-05', 70002)")

    [plain] = (await search(http, city="大理"))["list"]
    [dated] = (await search(http, city="大理", **STAY))["list"]
    [beds] = (await search(http, city="丽江", people=3, **STAY))["list"]

    assert (plain["id"], plain["title"], plain["city"], plain["star"]) == (1, "大理双廊·洱海落地窗大床房", "大理", 4.6)
    assert (plain["fromFen"], plain["stayTotalFen"]) == (68800, None)
    assert (dated["fromFen"], dated["stayTotalFen"]) == (75001, 150003)
    assert (beds["fromFen"], beds["stayTotalFen"]) == (8900, 8900 * 2 * 3)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"city": "厦门"}, [6]),
        ({"city": "雪乡"}, []),
        ({"city": "Nowhere"}, []),
        ({"people": 7}, [3]),
        ({"people": 9}, []),
        ({"lowFen": 100000}, [5, 3]),
        ({"lowFen": 98800, "highFen": 118000}, [8, 5]),
        ({"highFen": 8900}, [9, 7]),
        ({"sort": "priceUp", "highFen": 50000}, [9, 7, 10, 2]),
        ({"sort": "priceDown", "lowFen": 90000}, [3, 5, 8]),
        ({"sort": "star", "people": 5}, [5, 3, 8]),
    ],
    ids=str,
)
async def test_place_people_price_and_order(http: httpx.AsyncClient, asked: dict[str, Any], found: list[int]) -> None:
    assert await ids(http, **asked) == found


async def test_pages_follow_one_another_and_each_tells_the_total(http: httpx.AsyncClient) -> None:
    pages = [await search(http, page=page, pageSize=4) for page in range(1, 5)]

    assert [each["id"] for page in pages for each in page["list"]] == [*PROMOTED, 6, 4, 3]
    assert [(len(page["list"]), page["total"]) for page in pages] == [(4, 11), (4, 11), (3, 11), (0, 11)]


UNAVAILABLE = {
    "taken": "insert into homestay_night values (1, '2026-12-05', 1, 1, 1)",
    "closed": "insert into homestay_date (homestay_id, night, closed) values (1, '2026-12-04', true)",
    "blocked": (
        "with c as (insert into foreign_calendar (homestay_id, name, url, due_at) values (1, 'x', 'https://x', now())"
        " returning id) insert into blocked_night (calendar_id, night) select id, '2026-12-05' from c"
    ),
    "too short": "update homestay set min_nights = 3 where id = 1",
    "too long": "update homestay set max_nights = 1 where id = 1",
    "too far": "update homestay set days_ahead = 10 where id = 1",
    "no stock": "update homestay set stock = 0 where id = 1",
}
AVAILABLE = {
    "the day of departure is taken": "insert into homestay_night values (1, '2026-12-06', 1, 1, 1)",
    "free again": "insert into homestay_night values (1, '2026-12-05', 0, 1, 2)",
    "another room is left": (
        "with more as (update homestay set stock = 2 where id = 1)"
        " insert into homestay_night values (1, '2026-12-05', 1, 1, 1)"
    ),
    "just near enough": "update homestay set days_ahead = 11 where id = 1",
}


@pytest.mark.parametrize("change", UNAVAILABLE.values(), ids=UNAVAILABLE)
async def test_with_dates_a_homestay_that_is_not_free_is_not_found(
    http: httpx.AsyncClient, sql: psycopg.Connection, change: str
) -> None:
    assert await ids(http, city="大理", **STAY) == [1]
    sql.execute(change.encode())
    assert await ids(http, city="大理", **STAY) == []
    assert await ids(http, city="大理") == [1]


@pytest.mark.parametrize("change", AVAILABLE.values(), ids=AVAILABLE)
async def test_with_dates_a_homestay_that_is_free_is_found(
    http: httpx.AsyncClient, sql: psycopg.Connection, change: str
) -> None:
    sql.execute(change.encode())
    assert await ids(http, city="大理", **STAY) == [1]


async def test_beds_are_counted_for_each_guest(http: httpx.AsyncClient, sql: psycopg.Connection) -> None:
    sql.execute("insert into homestay_night values (7, '2026-12-05', 2, 4, 1)")

    assert await ids(http, city="丽江", people=2, **STAY) == [7]
    assert await ids(http, city="丽江", people=3, **STAY) == []


async def test_a_stay_in_the_past_finds_nothing(http: httpx.AsyncClient) -> None:
    assert await ids(http, start="2026-11-22", end="2026-11-24") == []
    assert await ids(http, start="2026-11-23", end="2026-11-24") == [*PROMOTED, 6, 4, 3]


@pytest.mark.parametrize(
    "body",
    [
        {"start": "2026-12-04"},
        {"end": "2026-12-04"},
        {"start": "2026-12-04", "end": "2026-12-04"},
        {"start": "2026-12-04", "end": "2027-03-05"},
        {"start": "4.12.2026", "end": "2026-12-05"},
        {"people": 0},
        {"lowFen": -1},
        {"sort": "cheapest"},
        {"city": "x" * 65},
        {"pageSize": 0},
    ],
    ids=str,
)
async def test_what_cannot_be_searched_for_is_refused(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await http.post(SEARCH, json=body)).status_code == 422


async def test_cities_are_those_of_homestays_on_sale(http: httpx.AsyncClient, sql: psycopg.Connection) -> None:
    sql.execute("update homestay set city = '大理' where id = 2")
    response = await http.post("/travel/v1/homestay/cityList", json={})
    sql.execute("update homestay set city = '阳朔' where id = 2")

    cities = response.json()["data"]["list"]
    assert cities[0] == {"city": "大理", "count": 2}
    assert {each["city"] for each in cities} == {
        "大理", "莫干山", "乌镇", "青岛", "厦门", "丽江", "黄山", "凤凰", "三亚", "呼伦贝尔",
    }  # fmt: skip


async def test_a_month_shows_what_is_free_and_what_it_costs(http: httpx.AsyncClient, sql: psycopg.Connection) -> None:
    sql.execute(
        "update homestay set stock = 2, weekend_price_fen = 70000, days_ahead = 40, max_nights = 2 where id = 1"
    )
    sql.execute("insert into homestay_night values (1, '2026-11-24', 1, 2, 1), (1, '2026-11-25', 2, 2, 1)")
    sql.execute("insert into homestay_date (homestay_id, night, closed) values (1, '2026-11-26', true)")

    november = (await http.post(CALENDAR, json={"id": 1, "month": "2026-11"})).json()["data"]
    january = (await http.post(CALENDAR, json={"id": 1, "month": "2027-01"})).json()["data"]

    assert {key: november[key] for key in november if key != "nights"} == {
        "id": 1, "month": "2026-11", "minNights": 1, "maxNights": 2, "daysAhead": 40,
    }  # fmt: skip
    assert len(november["nights"]) == 30
    assert november["nights"][21:28] == [
        {"night": "2026-11-22", "priceFen": 68800, "free": 0, "closed": True},
        {"night": "2026-11-23", "priceFen": 68800, "free": 2, "closed": False},
        {"night": "2026-11-24", "priceFen": 68800, "free": 1, "closed": False},
        {"night": "2026-11-25", "priceFen": 68800, "free": 0, "closed": False},
        {"night": "2026-11-26", "priceFen": 68800, "free": 0, "closed": True},
        {"night": "2026-11-27", "priceFen": 70000, "free": 2, "closed": False},
        {"night": "2026-11-28", "priceFen": 70000, "free": 2, "closed": False},
    ]
    assert [each["closed"] for each in january["nights"][:5]] == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"id": 12, "month": "2026-11"}, 404),
        ({"id": 999, "month": "2026-11"}, 404),
        ({"id": 1, "month": "2026-13"}, 422),
        ({"id": 1, "month": "2026-1"}, 422),
        ({"id": 1}, 422),
    ],
    ids=str,
)
async def test_a_month_that_cannot_be_shown_is_refused(
    http: httpx.AsyncClient, body: dict[str, Any], status: int
) -> None:
    assert (await http.post(CALENDAR, json=body)).status_code == status


async def free_stays(http: httpx.AsyncClient, **body: Any) -> list[str]:
    asked = {"homestayId": 1, "start": "2026-12-04", "nights": 2, "units": 1} | body
    response = await http.post(FREE, json=asked, headers=called_by("order"))
    assert response.status_code == 200, response.text
    return [each["start"] for each in response.json()["stays"]]


async def test_the_nearest_free_stays_are_told_to_order(http: httpx.AsyncClient, sql: psycopg.Connection) -> None:
    sql.execute("insert into homestay_night values (1, '2026-12-04', 1, 1, 1), (1, '2026-12-05', 1, 1, 1)")

    assert await free_stays(http) == ["2026-12-02", "2026-12-06", "2026-12-01"]
    assert await free_stays(http, start="2026-11-24") == ["2026-11-23", "2026-11-25", "2026-11-26"]
    assert await free_stays(http, units=2) == []
    assert await free_stays(http, homestayId=12) == []
    sql.execute("update homestay set days_ahead = 12, min_nights = 2 where id = 1")
    assert await free_stays(http) == ["2026-12-02", "2026-12-01", "2026-11-30"]
    assert await free_stays(http, nights=1) == []


PRICE = st.integers(1, 2**31)


@given(
    base=PRICE,
    weekend=st.none() | PRICE,
    dates=st.dictionaries(st.integers(0, 20), PRICE, max_size=8),
    first=st.integers(0, 10),
    nights=st.integers(1, 15),
)
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_price_in_the_query_is_the_one_of_the_rule(
    base: int, weekend: int | None, dates: dict[int, int], first: int, nights: int, sql: psycopg.Connection
) -> None:
    day = date(2026, 12, 1)
    start, end = day + timedelta(days=first), day + timedelta(days=first + nights)
    sql.execute("delete from homestay_date")
    update = "update homestay set homestay_price_fen = %s, weekend_price_fen = %s where id = 4"
    sql.execute(update, (base, weekend))
    rows = [(day + timedelta(days=number), price) for number, price in dates.items()]
    with sql.cursor() as cursor:
        cursor.executemany("insert into homestay_date (homestay_id, night, price_fen) values (4, %s, %s)", rows)
    criteria = Criteria((start, end), 1, "乌镇", None, None, Sort.PRICE_UP)

    [(homestay_id, unit_fen, total)] = sql.execute(*bound(criteria)).fetchall()

    class Setting:
        def __init__(self, night: date, price_fen: int) -> None:
            self.night, self.price_fen, self.closed = night, price_fen, False

    class Prices:
        homestay_price_fen, weekend_price_fen = base, weekend

    expected = sum(
        each.price_fen for each in night_offers(Prices(), [Setting(*row) for row in rows], start, end, blocked=())
    )
    assert (homestay_id, unit_fen, total) == (4, expected, 1)
    sql.execute("update homestay set homestay_price_fen = 52800, weekend_price_fen = null where id = 4")


@pytest.fixture
def any_offer(sql: psycopg.Connection) -> Iterator[Callable[..., None]]:
    """Gives homestay 4 prices and a unit; afterwards it is as it was."""
    columns = "homestay_price_fen, weekend_price_fen, sold_by, people_num, stock"
    before = sql.execute(f"select {columns} from homestay where id = 4".encode()).fetchone()  # noqa: S608 - our own names
    update = f"update homestay set ({columns}) = (%s, %s, %s, %s, %s) where id = 4".encode()  # noqa: S608 - the same

    def give(base: int, weekend: int | None, dates: dict[date, int], sold_by: int) -> None:
        sql.execute("delete from homestay_date")
        sql.execute(update, (base, weekend, sold_by, MOST_PEOPLE, MOST_PEOPLE))
        with sql.cursor() as cursor:
            insert = "insert into homestay_date (homestay_id, night, price_fen) values (4, %s, %s)"
            cursor.executemany(insert, list(dates.items()))

    yield give
    sql.execute(update, before)


MOST_PEOPLE = 8
FIRST_NIGHT = date(2026, 12, 1)
BOOKABLE = st.integers(1, 2_000_000)


@given(
    base=BOOKABLE,
    weekend=st.none() | BOOKABLE,
    dates=st.dictionaries(st.dates(FIRST_NIGHT, FIRST_NIGHT + timedelta(days=20)), BOOKABLE, max_size=8),
    sold_by=st.sampled_from([pricing.BY_ROOM, pricing.BY_PERSON]),
    people=st.integers(1, MOST_PEOPLE),
    first=st.integers(0, 10),
    nights=st.integers(1, 12),
)
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_search_shows_for_a_stay_what_order_takes_for_it(
    http: httpx.AsyncClient,
    any_offer: Callable[..., None],
    base: int,
    weekend: int | None,
    dates: dict[date, int],
    sold_by: int,
    people: int,
    first: int,
    nights: int,
) -> None:
    any_offer(base, weekend, dates, sold_by)
    start = FIRST_NIGHT + timedelta(days=first)
    stay = {"start": start.isoformat(), "end": (start + timedelta(days=nights)).isoformat()}

    [hit] = (await search(http, city="乌镇", people=people, **stay))["list"]
    snapshot = await http.post(SNAPSHOT, json={"homestayId": 4, **stay}, headers=called_by("order"))

    offer = OfferedToOrder.model_validate(snapshot.json())
    assert hit["stayTotalFen"] == pricing.price(offer, people=people, food=False).total_fen


def bound(criteria: Criteria, *, page: int = 1) -> tuple[bytes, dict[str, object]]:
    """The statement and its parameters for psycopg."""
    text = statement(criteria.sort, has_stay=criteria.stay is not None, has_city=bool(criteria.city)).text
    query = re.sub(r"(?<!:):(\w+)", r"%(\1)s", text.replace("%", "%%"))
    return query.encode(), parameters(criteria, NOW.date(), page, 10)


@pytest.fixture(scope="module")
def large(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """10,000 homestays in 50 cities, each of 90 nights taken once."""
    url = postgres.migrated("travel", f"travel_{secrets.token_hex(4)}")
    with psycopg.connect(as_owner(url), autocommit=True) as connection:
        connection.execute("insert into homestay_business (id, title, user_id, row_state) values (1, 'shop', 1, 1)")
        connection.execute(
            "insert into homestay (id, title, people_num, homestay_business_id, user_id, row_state, homestay_price_fen,"
            " city, stock) select n, 'homestay', 2, 1, 1, 1, 10000 + n, 'city ' || n % 50, 1 + n % 2"
            " from generate_series(1, 10000) n"
        )
        connection.execute(
            "insert into homestay_night select n, date '2026-11-23' + d, 1, 1, 1"
            " from generate_series(1, 10000) n, generate_series(0, 89) d"
        )
        connection.execute("vacuum analyze")
        yield connection


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("nights", [2, 7])
@pytest.mark.parametrize("city", ["city 7", ""])
def test_ten_thousand_homestays_are_searched_by_index(
    large: psycopg.Connection, sort: Sort, nights: int, city: str
) -> None:
    start = date(2026, 12, 4)
    criteria = Criteria((start, start + timedelta(days=nights)), 1, city, None, None, sort)
    query, given_ = bound(criteria)

    [(plan,)] = large.execute(b"explain (analyze, buffers, format json) " + query, given_).fetchall()
    rows = large.execute(query, given_).fetchall()

    read = json.dumps(plan)
    scans = [each for each in nodes(plan[0]["Plan"]) if each.get("Relation Name") == "homestay_night"]
    assert scans
    assert all(each["Node Type"] != "Seq Scan" for each in scans), read
    looked_at = sum(
        (each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each["Actual Loops"] for each in scans
    )
    assert looked_at <= (200 if city else 10_000) * nights
    assert rows[0][2] == (200 if city else 5000)
    assert len(rows) == 10


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
