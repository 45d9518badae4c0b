"""Prices and closed nights by date: what a host sets, and what guests then pay and find."""

import asyncio
import itertools
from datetime import date, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.travel.hosting import FIELDS, HOST, changes, rows

from servicekit.clock import SHANGHAI, utc_now
from servicekit.testing import APP_TOKEN, called_by, client
from travel.main import create_app
from travel.settings import Settings

TODAY = date(2026, 11, 29)
BASE, WEEKEND = FIELDS["homestayPriceFen"], FIELDS["weekendPriceFen"]


@pytest.fixture
async def http(database_url, sidecar, tokens):
    """It is half past midnight of 29 November in Shanghai, and still the 28th in UTC."""
    made = Settings(database_url=database_url, app_api_token=APP_TOKEN)
    clock = utc_now().replace(year=2026, month=11, day=28, hour=16, minute=30)
    assert clock.astimezone(SHANGHAI).date() == TODAY
    app = create_app(made, clock=lambda: clock, sidecar=sidecar, verifier=tokens.verifier())
    async with client(app) as connected:
        yield connected


@pytest.fixture
def ask(http, tokens, host):
    async def send(name: str, body: dict) -> httpx.Response:
        return await http.post(f"{HOST}/{name}", json=body, headers=tokens.bearer(host, "merchant"))

    return send


@pytest.fixture
async def homestay_id(ask) -> int:
    return (await ask("homestayCreate", FIELDS)).json()["data"]["homestay"]["id"]


@pytest.fixture
def set_dates(ask, homestay_id):
    async def send(start: date, nights: int, **change) -> httpx.Response:
        body = {"id": homestay_id, "start": str(start), "end": str(start + timedelta(days=nights)), **change}
        return await ask("setDates", body)

    return send


def held(sql, homestay_id):
    query = "select night, price_fen, closed from homestay_date where homestay_id = %s order by night"
    return sql.execute(query, [homestay_id]).fetchall()


async def test_a_month_shows_every_night_with_the_price_that_counts(ask, homestay_id, set_dates):
    await set_dates(date(2026, 12, 4), 1, priceFen=99900)  # a Friday
    await set_dates(date(2026, 12, 5), 2, closed=True)
    answer = await ask("calendar", {"id": homestay_id, "month": "2026-12"})
    nights = answer.json()["data"]["nights"]
    assert [each["night"] for each in nights] == [f"2026-12-{day:02d}" for day in range(1, 32)]
    assert nights[2] == {
        "night": "2026-12-03", "priceFen": BASE, "source": "base", "closed": False, "taken": 0,
        "stock": 2, "blockedBy": [],
    }  # fmt: skip
    assert [(each["priceFen"], each["source"], each["closed"]) for each in nights[3:7]] == [
        (99900, "date", False), (WEEKEND, "weekend", True), (BASE, "base", True), (BASE, "base", False),
    ]  # fmt: skip


async def test_a_night_tells_how_much_of_it_is_sold(ask, sql, homestay_id):
    add = "insert into homestay_night (homestay_id, night, taken, stock, version) values (%s, %s, %s, 2, 1)"
    for held_by, night, taken in ((homestay_id, "2026-12-01", 2), (homestay_id, "2026-12-31", 1), (1, "2026-12-02", 1)):
        sql.execute(add, [held_by, night, taken])
    nights = (await ask("calendar", {"id": homestay_id, "month": "2026-12"})).json()["data"]["nights"]
    sold = {each["night"]: (each["taken"], each["stock"]) for each in nights if each["taken"]}
    assert sold == {"2026-12-01": (2, 2), "2026-12-31": (1, 2)}
    sql.execute("delete from homestay_night where homestay_id in (%s, 1)", [homestay_id])


async def test_a_night_names_the_calendars_that_have_taken_it(ask, sql, homestay_id):
    add = "insert into foreign_calendar (homestay_id, name, url, due_at) values (%s, %s, %s, now()) returning id"
    for name in ("途家", "Airbnb"):
        number = sql.execute(add, [homestay_id, name, f"https://{name}.example"]).fetchone()[0]
        sql.execute("insert into blocked_night values (%s, '2026-12-30')", [number])
    sql.execute("insert into blocked_night values (%s, '2026-12-31'), (%s, '2027-01-01')", [number, number])
    [other] = sql.execute(add, [1, "途家", "https://1.example"]).fetchone()
    sql.execute("insert into blocked_night values (%s, '2026-12-29')", [other])
    nights = (await ask("calendar", {"id": homestay_id, "month": "2026-12"})).json()["data"]["nights"]
    assert [each["blockedBy"] for each in nights[-3:]] == [[], ["途家", "Airbnb"], ["Airbnb"]]
    assert [each["closed"] for each in nights[-3:]] == [False] * 3


@pytest.mark.parametrize(("month", "days"), [("2026-11", 30), ("2028-02", 29), ("2027-02", 28), ("2027-01", 31)])
async def test_months_have_their_days(ask, homestay_id, month, days):
    nights = (await ask("calendar", {"id": homestay_id, "month": month})).json()["data"]["nights"]
    assert (len(nights), nights[0]["night"], nights[-1]["night"]) == (days, f"{month}-01", f"{month}-{days}")


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026-1", "26-12", "1999-12", "2026-12-01", "", None, 202612])
async def test_no_month_is_refused_by_name(ask, homestay_id, month):
    answer = await ask("calendar", {"id": homestay_id, "month": month})
    assert (answer.status_code, answer.json()["field"]) == (422, "month")


async def test_what_is_set_is_what_an_order_is_told(http, homestay_id, set_dates):
    await set_dates(TODAY, 2, priceFen=12345)
    await set_dates(TODAY + timedelta(days=1), 2, closed=True)
    body = {"homestayId": homestay_id, "start": "2026-11-29", "end": "2026-12-03"}
    answer = await http.post("/internal/homestaySnapshot", json=body, headers=called_by("order"))
    assert [(each["night"], each["priceFen"], each["closed"]) for each in answer.json()["nights"]] == [
        ("2026-11-29", 12345, False), ("2026-11-30", 12345, True), ("2026-12-01", BASE, True), ("2026-12-02", BASE, False),
    ]  # fmt: skip


async def test_each_change_keeps_what_it_does_not_name_and_is_in_the_audit(sql, host, homestay_id, set_dates):
    night, key = TODAY, TODAY.isoformat()
    steps = [
        ({"priceFen": 30000}, [(night, 30000, False)]),
        ({"closed": True}, [(night, 30000, True)]),
        ({"priceFen": None}, [(night, None, True)]),
        ({"priceFen": 31000, "closed": None}, [(night, 31000, True)]),
        ({"closed": False}, [(night, 31000, False)]),
        ({"reset": True}, []),
    ]
    for change, expected in steps:
        answer = await set_dates(night, 1, **change)
        assert (answer.status_code, answer.json()["data"]) == (200, {"nights": 1})
        assert held(sql, homestay_id) == expected
    told = [(None, False), (30000, False), (30000, True), (None, True), (31000, True), (31000, False), (None, False)]
    shown = [{"nights": [{"night": key, "priceFen": price, "closed": closed}]} for price, closed in told]
    expected = [(homestay_id, "setDates", *pair) for pair in itertools.pairwise(shown)]
    assert changes(sql, host)[1:] == expected


async def test_the_audit_names_the_nights_that_differ_and_no_others(sql, host, homestay_id, set_dates):
    await set_dates(TODAY + timedelta(days=1), 1, closed=True)
    await set_dates(TODAY, 3, closed=True)
    before, after = changes(sql, host)[-1][2:]
    nights = ["2026-11-29", "2026-12-01"]
    assert before == {"nights": [{"night": each, "priceFen": None, "closed": False} for each in nights]}
    assert after == {"nights": [{"night": each, "priceFen": None, "closed": True} for each in nights]}


@pytest.mark.parametrize("change", [{"closed": True}, {"closed": False}, {"priceFen": None}, {"reset": True}])
async def test_the_same_change_again_writes_nothing(sql, homestay_id, set_dates, change):
    await set_dates(TODAY, 5, **change)
    before = rows(sql)
    assert (await set_dates(TODAY, 5, **change)).json()["data"] == {"nights": 5}
    assert rows(sql) == before


@pytest.mark.parametrize(("start", "nights"), [(TODAY, 1), (TODAY, 370), (TODAY + timedelta(days=360), 370)])
async def test_the_bounds_themselves_are_taken(sql, homestay_id, set_dates, start, nights):
    answer = await set_dates(start, nights, closed=True)
    assert answer.json()["data"] == {"nights": nights}
    assert held(sql, homestay_id) == [(start + timedelta(days=n), None, True) for n in range(nights)]


@pytest.mark.parametrize(
    ("start", "nights", "field"),
    [
        (TODAY - timedelta(days=1), 1, "start"),
        (TODAY, 0, "end"),
        (TODAY, -1, "end"),
        (TODAY, 371, "end"),
        (TODAY + timedelta(days=361), 370, "end"),
        (date(1970, 1, 1), 1, "start"),
        (date(9999, 12, 30), 1, "end"),
    ],
)
async def test_nights_beyond_them_are_refused_and_nothing_is_set(sql, set_dates, homestay_id, start, nights, field):
    before = rows(sql)
    answer = await set_dates(start, nights, closed=True)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, 100312, field)
    assert rows(sql) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "priceFen"),
        ({"closed": None}, "priceFen"),
        ({"reset": False}, "priceFen"),
        ({"reset": True, "closed": False}, "reset"),
        ({"reset": True, "priceFen": None}, "reset"),
        ({"priceFen": 0}, "priceFen"),
        ({"priceFen": 10_000_001}, "priceFen"),
        ({"priceFen": "1"}, "priceFen"),
        ({"closed": 1}, "closed"),
        ({"start": "tomorrow", "closed": True}, "start"),
        ({"end": None, "closed": True}, "end"),
        ({"id": 0, "closed": True}, "id"),
    ],
)
async def test_a_wrong_change_is_refused_by_name_and_nothing_is_set(sql, ask, homestay_id, change, field):
    before = rows(sql)
    body = {"id": homestay_id, "start": "2026-12-01", "end": "2026-12-02", **change}
    answer = await ask("setDates", body)
    assert (answer.status_code, answer.json()["field"].split(".")[0]) == (422, field)
    assert rows(sql) == before


@pytest.mark.parametrize("other", [1, 2**62])
async def test_anothers_calendar_is_not_found(sql, ask, other):
    before = rows(sql)
    shown = await ask("calendar", {"id": other, "month": "2026-12"})
    changed = await ask("setDates", {"id": other, "start": "2026-12-01", "end": "2026-12-02", "closed": True})
    assert [(each.status_code, each.json()["code"]) for each in (shown, changed)] == [(404, 100301)] * 2
    assert rows(sql) == before


@pytest.mark.parametrize("name", ["calendar", "setDates"])
async def test_it_needs_the_role_of_a_host(http, tokens, sql, host, homestay_id, name):
    before = rows(sql)
    body = {"id": homestay_id, "month": "2026-12", "start": "2026-12-01", "end": "2026-12-02", "closed": True}
    answer = await http.post(f"{HOST}/{name}", json=body, headers=tokens.bearer(host))
    assert (answer.status_code, answer.json()["code"]) == (403, 100101)
    assert rows(sql) == before


async def test_changes_at_the_same_time_wait_for_each_other(sql, host, homestay_id, set_dates):
    sent = [set_dates(TODAY + timedelta(days=n % 3), 20, priceFen=10_000 + n) for n in range(8)]
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
    audited = [row for row in changes(sql, host) if row[1] == "setDates"]
    shown: dict[str, tuple] = {}
    for _, _, before, after in audited:  # each begins where the one before it ended
        for old, new in zip(before["nights"], after["nights"], strict=True):
            assert shown.get(old["night"], (None, False)) == (old["priceFen"], old["closed"])
            shown[new["night"]] = (new["priceFen"], new["closed"])
    assert {str(night): (price, closed) for night, price, closed in held(sql, homestay_id)} == shown


CHANGES = st.fixed_dictionaries({}, optional={"priceFen": st.none() | st.integers(1, 10**7), "closed": st.booleans()})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 6), st.integers(1, 6), CHANGES.filter(bool) | st.just({"reset": True})), max_size=6
    )
)
async def test_any_history_of_changes_leaves_what_a_plain_model_has(sql, homestay_id, set_dates, steps):
    await set_dates(TODAY, 20, reset=True)
    model: dict[date, tuple[int | None, bool]] = {}
    for first, nights, change in steps:
        start = TODAY + timedelta(days=first)
        assert (await set_dates(start, nights, **change)).status_code == 200
        for n in range(nights):
            night = start + timedelta(days=n)
            price, closed = model.get(night, (None, False))
            price = None if "reset" in change else change.get("priceFen", price)
            closed = False if "reset" in change else change.get("closed", closed)
            model[night] = (price, closed)
    kept = [(night, *value) for night, value in sorted(model.items()) if value != (None, False)]
    assert held(sql, homestay_id) == kept
