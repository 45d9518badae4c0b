"""Calendars of homestays at the public door."""

import asyncio
import json

import httpx
import pytest
from structlog.testing import capture_logs

from gateway import main
from gateway.endpoints.calendars import AT_ONCE
from servicekit.testing import client
from tests.service.gateway.conftest import Peers, settings

SECRET, EXPORT = "aZ09_-xy" * 4, "/internal/exportedCalendar"
TEXT = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
HEADERS = {"content-type": "text/calendar; charset=utf-8", "cache-control": "private, max-age=60", "etag": '"one"'}


@pytest.fixture
async def peers():
    peers = Peers()
    peers.answers["travel", EXPORT] = lambda _request: httpx.Response(200, content=TEXT, headers=HEADERS)
    async with client(main.create_app(settings(), sidecar=peers)) as http:
        peers.http = http
        yield peers


async def test_a_calendar_is_returned_to_any_client_that_has_its_address(peers):
    answer = await peers.http.get(f"/calendars/{SECRET}.ics")
    assert (answer.status_code, answer.content) == (200, TEXT)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    [asked] = peers.requests
    assert (asked.url.path, json.loads(asked.content)) == (EXPORT, {"secret": SECRET})
    head = await peers.http.head(f"/calendars/{SECRET}.ics")
    assert (head.status_code, head.headers["etag"]) == (200, '"one"')


async def test_an_unchanged_one_is_not_sent_again(peers):
    answer = await peers.http.get(f"/calendars/{SECRET}.ics", headers={"If-None-Match": 'W/"one"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"one"')
    assert (await peers.http.get(f"/calendars/{SECRET}.ics", headers={"If-None-Match": '"0"'})).status_code == 200


async def test_every_address_without_a_calendar_is_the_same_404(peers):
    peers.answers["travel", EXPORT] = lambda _request: httpx.Response(404, json={"detail": "from travel"})
    names = [f"{SECRET}.ics", f"{SECRET[1:]}.ics", f"{SECRET[:-1]}%00.ics", "x", ".ics"]
    answers = [await peers.http.get(f"/calendars/{name}", headers={"Accept": "text/calendar"}) for name in names]
    assert [each.status_code for each in answers] == [404] * 5
    seen = [{name: value for name, value in each.json().items() if name != "trace_id"} for each in answers]
    assert all(each == seen[0] for each in seen)
    assert len(peers.requests) == 1


async def test_travel_that_is_down_is_no_404(peers):
    peers.answers["travel", EXPORT] = lambda _request: httpx.Response(503, json={"code": 100005})
    assert (await peers.http.get(f"/calendars/{SECRET}.ics")).status_code == 503


async def test_no_log_has_the_address_of_a_calendar(peers):
    def crash(_request):
        raise RuntimeError("a bug")

    with capture_logs() as logged:
        peers.answers["travel", EXPORT] = lambda _request: httpx.Response(503, json={"code": 100005})
        assert (await peers.http.get(f"/calendars/{SECRET}.ics")).status_code == 503
        peers.answers["travel", EXPORT] = crash
        assert (await peers.http.get(f"/calendars/{SECRET}.ics")).status_code == 500
    assert [each["route"] for each in logged if "route" in each] == ["/calendars/{secret}.ics"] * 2
    assert SECRET not in str(logged)


async def test_polls_take_only_so_many_places(peers, monkeypatch):
    begun, go_on = [], asyncio.Event()
    invoke = peers.invoke

    async def slow(*asked, **more):
        begun.append(asked)
        await go_on.wait()
        return await invoke(*asked, **more)

    monkeypatch.setattr(peers, "invoke", slow)
    polls = [asyncio.create_task(peers.http.get(f"/calendars/{SECRET}.ics")) for _ in range(AT_ONCE)]
    while len(begun) < AT_ONCE:
        await asyncio.sleep(0.01)
    refused = await peers.http.get(f"/calendars/{SECRET}.ics")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    go_on.set()
    assert {(await poll).status_code for poll in polls} == {200}
    assert (await peers.http.get(f"/calendars/{SECRET}.ics")).status_code == 200
