"""What hosts do with calendars: the link to their own, imports, and the month that shows what is blocked."""

import asyncio
import re
from datetime import date, timedelta

import pytest
from icalendar import Calendar
from tests.service.travel.hosting import FIELDS, HOST, changes

from servicekit.clock import SHANGHAI, utc_now
from servicekit.testing import called_by
from travel.ical.faults import Fault
from travel.ical.parsing import taken_nights

URL = "https://www.airbnb.com/calendar/ical/1.ics?s=0f1e"
MONTH = (utc_now().astimezone(SHANGHAI).date().replace(day=1) + timedelta(days=40)).replace(day=1)


@pytest.fixture
def ask(http, tokens, host):
    async def send(name, body, *, who=None, role="merchant", **headers):
        bearer = tokens.bearer(who or host, role)
        return await http.post(f"{HOST}/{name}", json=body, headers=bearer | headers)

    return send


@pytest.fixture
async def homestay_id(ask) -> int:
    return (await ask("homestayCreate", FIELDS)).json()["data"]["homestay"]["id"]


@pytest.fixture
def links(ask, homestay_id):
    async def send(path="calendarLinks", **body):
        answer = await ask(path, {"homestayId": homestay_id, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return send


def calendars(sql) -> list[tuple]:
    query = "select homestay_id, name, url, error, tries from foreign_calendar order by id"
    return sql.execute(query).fetchall()


def secrets(sql) -> list[tuple]:
    return sql.execute("select id, export_secret from homestay order by id").fetchall()


def taken(sql, calendar_id: int, *nights: date) -> None:
    for night in nights:
        sql.execute("insert into blocked_night (calendar_id, night) values (%s, %s)", [calendar_id, night])


async def test_a_homestays_link_is_secret_and_stays_the_same_until_it_is_renewed(links, sql, homestay_id, host):
    one = await links()
    assert one == {"exportUrl": one["exportUrl"], "imports": []}
    assert re.fullmatch(r"/calendars/[A-Za-z0-9_-]{32}\.ics", one["exportUrl"])
    assert await links() == one
    two = await links("renewExport")
    assert two["exportUrl"] != one["exportUrl"]
    assert await links() == two
    [[secret]] = sql.execute("select export_secret from homestay where id = %s", [homestay_id]).fetchall()
    assert two["exportUrl"] == f"/calendars/{secret}.ics"
    assert changes(sql, host)[-1] == (homestay_id, "renewExport", {}, {"exportUrl": "renewed"})


async def test_requests_at_once_are_told_one_link(links):
    assert len({each["exportUrl"] for each in await asyncio.gather(*(links() for _ in range(8)))}) == 1


async def test_an_import_is_listed_and_due_at_once(links, sql, homestay_id, host):
    answer = await links("addImport", name=" 途家 ", url=f" {URL}#x ")
    [imported] = answer["imports"]
    assert imported == {
        "id": imported["id"], "name": "途家", "url": URL, "fetchedAt": None, "error": "", "nights": 0,
    }  # fmt: skip
    assert calendars(sql)[-1] == (homestay_id, "途家", URL, "", 0)
    due = sql.execute("select now() - due_at from foreign_calendar where id = %s", [imported["id"]]).fetchone()[0]
    assert timedelta(0) <= due < timedelta(seconds=30)
    after = {"id": imported["id"], "name": "途家", "host": "www.airbnb.com"}
    assert changes(sql, host)[-1] == (homestay_id, "addImport", {}, after)
    assert (await links())["imports"] == [imported]


async def test_what_is_wrong_with_an_import_is_told_in_the_readers_language(links, ask, sql, homestay_id):
    [imported] = (await links("addImport", name="途家", url=URL))["imports"]
    sql.execute(
        "update foreign_calendar set error = 'calendar-gone', fetched_at = '2026-11-29T10:00:00+08' where id = %s",
        [imported["id"]],
    )
    taken(sql, imported["id"], MONTH, MONTH + timedelta(days=1))
    for language, begins in {"zh-CN": "该日历链接已失效", "en": "The link is not valid any more"}.items():
        answer = await ask("calendarLinks", {"homestayId": homestay_id}, **{"Accept-Language": language})
        [shown] = answer.json()["data"]["imports"]
        assert (shown["fetchedAt"], shown["nights"]) == ("2026-11-29T02:00:00Z", 2)
        assert shown["error"].startswith(begins)


async def test_every_fault_has_its_text(links, sql):
    [imported] = (await links("addImport", name="途家", url=URL))["imports"]
    texts = set()
    for fault in Fault:
        sql.execute("update foreign_calendar set error = %s where id = %s", [fault, imported["id"]])
        [shown] = (await links())["imports"]
        texts.add(shown["error"])
    assert len(texts) == len(Fault)
    assert all("日历" in text or "链接" in text for text in texts)


async def test_removing_an_import_opens_its_nights(links, http, sql, homestay_id, host):
    [imported] = (await links("addImport", name="途家", url=URL))["imports"]
    taken(sql, imported["id"], MONTH)

    async def closed() -> list[bool]:
        asked = {"homestayId": homestay_id, "start": str(MONTH), "end": str(MONTH + timedelta(days=2))}
        answer = await http.post("/internal/homestaySnapshot", json=asked, headers=called_by("order"))
        return [night["closed"] for night in answer.json()["nights"]]

    assert await closed() == [True, False]
    assert (await links("removeImport", id=imported["id"]))["imports"] == []
    assert await closed() == [False, False]
    assert changes(sql, host)[-1] == (homestay_id, "removeImport", {"id": imported["id"], "name": "途家"}, {})


async def test_the_hosts_month_names_who_blocks_a_night(links, ask, sql, homestay_id):
    one = (await links("addImport", name="途家", url=URL))["imports"][0]
    two = (await links("addImport", name="Airbnb", url=URL + "2"))["imports"][1]
    taken(sql, one["id"], MONTH, MONTH + timedelta(days=4), MONTH - timedelta(days=1))
    taken(sql, two["id"], MONTH + timedelta(days=4))
    answer = await ask("calendar", {"id": homestay_id, "month": f"{MONTH:%Y-%m}"})
    nights = answer.json()["data"]["nights"]
    assert [each["blockedBy"] for each in nights[:6]] == [["途家"], [], [], [], ["途家", "Airbnb"], []]
    assert not any(each["closed"] or each["blockedBy"] for each in nights[6:])


@pytest.mark.parametrize(
    "url",
    ["http://example.com/a.ics", "https://example.com:8443/a.ics", "https://u:p@a.com/a.ics", "ftp://a.com/", "/a"],
)  # fmt: skip
async def test_an_address_that_is_not_public_https_is_refused(ask, sql, homestay_id, url):
    before = calendars(sql)
    answer = await ask("addImport", {"homestayId": homestay_id, "name": "x", "url": url})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, 100341, "url")
    assert calendars(sql) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "长" * 33}, "name"),
        ({"url": ""}, "url"),
        ({"url": "https://example.com/" + "a" * 2000}, "url"),
        ({"homestayId": "1"}, "homestayId"),
    ],
)
async def test_members_are_bounded(ask, sql, homestay_id, change, field):
    before = calendars(sql)
    answer = await ask("addImport", {"homestayId": homestay_id, "name": "x", "url": URL, **change})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert calendars(sql) == before


async def test_the_homestays_own_calendar_is_no_import(links, ask, sql, homestay_id):
    own = "https://minsu.example" + (await links())["exportUrl"]
    before = calendars(sql)
    answer = await ask("addImport", {"homestayId": homestay_id, "name": "x", "url": own})
    assert (answer.status_code, answer.json()["code"]) == (422, 100341)
    assert calendars(sql) == before


async def test_an_address_is_imported_once_and_a_repeated_request_gets_its_first_response(
    ask, links, sql, homestay_id, host
):
    body, key = {"homestayId": homestay_id, "name": "途家", "url": URL}, {"Idempotency-Key": "one"}
    first, again = await ask("addImport", body, **key), await ask("addImport", body, **key)
    assert (first.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    without = await ask("addImport", body)
    assert (without.status_code, without.json()["code"]) == (409, 100342)
    assert len((await links())["imports"]) == 1
    assert [each[1] for each in changes(sql, host)].count("addImport") == 1


async def test_a_homestay_has_ten_imports_however_many_are_sent_at_once(ask, links, homestay_id):
    answers = await asyncio.gather(
        *(ask("addImport", {"homestayId": homestay_id, "name": "x", "url": f"{URL}{n}"}) for n in range(14))
    )
    assert sorted(each.status_code for each in answers) == [200] * 10 + [409] * 4
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {100343}
    assert len((await links())["imports"]) == 10


async def test_calendars_of_others_are_not_found(ask, links, sql, homestay_id):
    [imported] = (await links("addImport", name="途家", url=URL))["imports"]
    before = (calendars(sql), secrets(sql))
    bodies = {
        "calendarLinks": {"homestayId": 1},
        "renewExport": {"homestayId": 1},
        "addImport": {"homestayId": 1, "name": "x", "url": URL},
        "removeImport": {"homestayId": 1, "id": imported["id"]},
    }
    for name, body in bodies.items():
        answer = await ask(name, body)
        assert (name, answer.status_code, answer.json()["code"]) == (name, 404, 100301)
        mine = body | {"homestayId": homestay_id}
        assert (await ask(name, mine, role="buyer")).status_code == 403
        assert (await ask(name, mine, who=1)).status_code == 404
    answer = await ask("removeImport", {"homestayId": homestay_id, "id": imported["id"] + 1})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (404, 100340, "id")
    assert (calendars(sql), secrets(sql)) == before


async def test_an_import_of_one_homestay_is_not_removed_through_another(ask, links, sql):
    [imported] = (await links("addImport", name="途家", url=URL))["imports"]
    other = (await ask("homestayCreate", FIELDS)).json()["data"]["homestay"]["id"]
    before = calendars(sql)
    answer = await ask("removeImport", {"homestayId": other, "id": imported["id"]})
    assert (answer.status_code, answer.json()["code"]) == (404, 100340)
    assert calendars(sql) == before


# What other platforms import.


def sold(sql, homestay_id: int, night: date, taken: int) -> None:
    """As order's events leave it in the read model."""
    sql.execute(
        "insert into homestay_night (homestay_id, night, taken, stock, version) values (%s, %s, %s, 2, 1)"
        " on conflict (homestay_id, night) do update set taken = excluded.taken",
        [homestay_id, night, taken],
    )


@pytest.fixture
def exported(http, links):
    """(status, text, ETag) of the homestay's own calendar."""

    async def read(secret: str | None = None):
        secret = secret or (await links())["exportUrl"].removeprefix("/calendars/").removesuffix(".ics")
        answer = await http.post("/internal/exportedCalendar", json={"secret": secret}, headers=called_by("gateway"))
        return answer.status_code, answer.content, answer.headers.get("etag")

    return read


def events(text: bytes) -> list[tuple[date, date]]:
    return [(event.start, event.end) for event in Calendar.from_ical(text).events]


async def test_other_platforms_are_told_what_is_sold_out_or_closed(exported, ask, sql, homestay_id):
    a_day = timedelta(days=1)
    for day, taken in {0: 2, 1: 1, 2: 2, 3: 3, 6: 0}.items():  # of two rooms
        sold(sql, homestay_id, MONTH + day * a_day, taken)
    sold(sql, homestay_id, date(2026, 1, 1), 2)
    sold(sql, 1, MONTH + 9 * a_day, 9)
    closed = {"id": homestay_id, "start": str(MONTH + 4 * a_day), "end": str(MONTH + 5 * a_day), "closed": True}
    assert (await ask("setDates", closed)).status_code == 200
    priced = {"id": homestay_id, "start": str(MONTH + 7 * a_day), "end": str(MONTH + 8 * a_day), "priceFen": 1}
    assert (await ask("setDates", priced)).status_code == 200

    status, text, etag = await exported()

    assert status == 200
    assert events(text) == [(MONTH, MONTH + a_day), (MONTH + 2 * a_day, MONTH + 5 * a_day)]
    assert taken_nights(text, MONTH).nights == {MONTH + number * a_day for number in (0, 2, 3, 4)}
    assert (await exported())[1:] == (text, etag)
    sold(sql, homestay_id, MONTH, 1)
    assert (await exported())[2] != etag


async def test_what_was_imported_is_not_passed_on(exported, links, sql):
    [imported] = (await links("addImport", name="途家", url=URL))["imports"]
    taken(sql, imported["id"], MONTH)
    status, text, _ = await exported()
    assert (status, events(text)) == (200, [])


async def test_a_calendar_says_nothing_about_guests_and_keeps_to_the_form(exported, sql, homestay_id):
    sold(sql, homestay_id, MONTH, 2)
    _, text, _ = await exported()
    lines = text.decode().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert f"UID:{MONTH:%Y%m%d}-{homestay_id}@minsu" in lines
    assert {line.partition(":")[0].partition(";")[0] for line in lines if line} == {
        "BEGIN", "VERSION", "PRODID", "X-PUBLISHED-TTL", "SUMMARY", "DTSTART", "DTEND", "DTSTAMP", "UID", "END",
    }  # fmt: skip


async def test_a_renewed_secret_a_wrong_one_and_one_of_nothing_are_not_found(exported, links, sql, homestay_id):
    earlier = (await links())["exportUrl"].removeprefix("/calendars/").removesuffix(".ics")
    assert (await exported(earlier))[0] == 200
    await links("renewExport")
    assert [(await exported(each))[0] for each in (earlier, "x", "x\u0000")] == [404, 404, 422]
    assert (await exported())[0] == 200
    sql.execute("update homestay set row_state = 0 where id = %s", [homestay_id])
    assert (await exported())[0] == 200  # not on sale here, and its guests still come
    now = (await links())["exportUrl"].removeprefix("/calendars/").removesuffix(".ics")
    sql.execute("update homestay set deleted_at = now() where id = %s", [homestay_id])
    assert (await exported(now))[0] == 404


async def test_nights_that_are_sold_here_and_taken_there_are_told(links, ask, sql, homestay_id):
    one = (await links("addImport", name="途家", url=URL))["imports"][0]
    two = (await links("addImport", name="Airbnb", url=URL + "2"))["imports"][1]
    past, a_day = date(2026, 1, 1), timedelta(days=1)
    taken(sql, one["id"], past, MONTH, MONTH + a_day, MONTH + 2 * a_day)
    taken(sql, two["id"], MONTH)
    for night, units in {past: 1, MONTH: 2, MONTH + a_day: 1, MONTH + 2 * a_day: 0, MONTH + 3 * a_day: 2}.items():
        sold(sql, homestay_id, night, units)
    assert (await links("conflicts"))["list"] == [
        {"night": str(MONTH), "importName": "途家", "taken": 2},
        {"night": str(MONTH), "importName": "Airbnb", "taken": 2},
        {"night": str(MONTH + a_day), "importName": "途家", "taken": 1},
    ]
    assert (await ask("conflicts", {"homestayId": 1})).status_code == 404
    assert (await ask("conflicts", {"homestayId": homestay_id}, role="buyer")).status_code == 403
