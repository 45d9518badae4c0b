"""What the gateway keeps of the catalogue, for how long, and what it never keeps."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from gateway import main
from gateway.catalogue_cache import LARGEST_KEY_BYTES, CatalogueCache
from gateway.routes import PUBLIC
from servicekit.testing import client
from tests.service.gateway.conftest import Peers
from tests.service.gateway.serving import settings

LIST, COMMENTS = "/travel/v1/homestay/homestayList", "/travel/v1/homestayComment/commentList"
DETAIL = "/order/v1/homestayOrder/userHomestayOrderDetail"
SHARED = {"Cache-Control": "public, max-age=5", "ETag": '"one"', "Vary": "Accept-Language"}


@dataclass
class Catalogue:
    """The gateway with a clock to turn, before a travel that counts what it is asked."""

    http: httpx.AsyncClient
    peers: Peers
    now: list[float]
    answer: dict[str, Any] = field(default_factory=lambda: {"title": "first"})
    headers: dict[str, str] = field(default_factory=lambda: dict(SHARED))
    status: int = 200

    def respond(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, json=self.answer, headers=self.headers)

    async def read(self, path: str = LIST, body: object = None, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body or {"page": 1}, headers=headers)

    @property
    def asked(self) -> int:
        return len(self.peers.requests)


@pytest.fixture
def changes() -> dict[str, object]:
    return {}


@pytest.fixture
async def catalogue(changes: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Catalogue]:
    peers, now = Peers(), [1000.0]

    def cache(**given: Any) -> CatalogueCache:
        return CatalogueCache(monotonic=lambda: now[0], **given)

    monkeypatch.setattr(main, "CatalogueCache", cache)
    async with client(main.create_app(settings(**changes), sidecar=peers)) as http:
        under_test = Catalogue(http, peers, now)
        for path in (LIST, COMMENTS):
            peers.answers["travel", path] = under_test.respond
        peers.answers["order", DETAIL] = under_test.respond
        yield under_test


async def test_a_kept_response_is_given_to_all_until_its_time_is_over(catalogue):
    first = await catalogue.read()
    catalogue.answer = {"title": "changed"}
    catalogue.now[0] += 4.9
    second = await catalogue.read()
    assert (first.json(), second.json(), catalogue.asked) == ({"title": "first"}, {"title": "first"}, 1)
    assert "age" not in first.headers
    assert (second.headers["age"], second.headers["cache-control"]) == ("4", "public, max-age=5")
    catalogue.now[0] += 0.2
    assert (await catalogue.read()).json() == {"title": "changed"}
    assert catalogue.asked == 2


@pytest.mark.parametrize("changes", [{"catalogue_cache_seconds": 2}])
async def test_the_setting_shortens_what_travel_allows(catalogue):
    await catalogue.read()
    catalogue.now[0] += 2.1
    await catalogue.read()
    assert catalogue.asked == 2


@pytest.mark.parametrize("changes", [{"catalogue_cache_seconds": 300}])
async def test_the_setting_never_exceeds_what_travel_allows(catalogue):
    await catalogue.read()
    catalogue.now[0] += 5.1
    await catalogue.read()
    assert catalogue.asked == 2


@pytest.mark.parametrize("changes", [{"catalogue_cache_seconds": 0}])
async def test_with_zero_seconds_nothing_is_kept(catalogue):
    await catalogue.read()
    await catalogue.read()
    assert catalogue.asked == 2


async def test_bodies_languages_and_content_types_are_kept_apart(catalogue):
    for body in ({"page": 1}, {"page": 2}):
        for language in ("zh-CN,zh;q=0.9", "en-GB,en"):
            await catalogue.read(body=body, **{"Accept-Language": language})
    assert [each.headers["accept-language"] for each in catalogue.peers.requests] == ["zh", "en", "zh", "en"]
    assert [each.content for each in catalogue.peers.requests] == [b'{"page":1}'] * 2 + [b'{"page":2}'] * 2
    await catalogue.read(**{"Accept-Language": "en-US"})
    assert catalogue.asked == 4, "one language, whatever its region"
    await catalogue.http.post(LIST, content=b'{"page":1}', headers={"Content-Type": "text/plain"})
    assert (catalogue.asked, catalogue.peers.requests[-1].headers["content-type"]) == (5, "text/plain")


async def test_what_fetches_a_response_carries_nothing_of_who_asked(catalogue):
    private = {"Authorization": "Bearer a.b.c", "Idempotency-Key": "k", "User-Agent": "mine", "Cookie": "a=b"}
    await catalogue.read(**private, **{"Accept-Language": "en", "If-None-Match": '"x"'})
    [request] = catalogue.peers.requests
    assert set(request.headers) - {"content-length", "host"} == {"accept-language", "content-type"}


async def test_a_request_with_a_token_gets_what_one_without_gets(catalogue):
    await catalogue.read(Authorization="Bearer a.b.c")
    response = await catalogue.read()
    assert (response.json(), catalogue.asked) == ({"title": "first"}, 1)


async def test_only_reads_of_homestays_and_shops_are_catalogue():
    assert {route.path for route in PUBLIC if route.is_catalogue} == {
        "/travel/v1/homestay/homestayList",
        "/travel/v1/homestay/businessList",
        "/travel/v1/homestay/guessList",
        "/travel/v1/homestay/homestayDetail",
        "/travel/v1/homestay/search",
        "/travel/v1/homestay/cityList",
        "/travel/v1/homestay/homestayCalendar",
        "/travel/v1/homestayBussiness/goodBoss",
        "/travel/v1/homestayBussiness/homestayBussinessList",
        "/travel/v1/homestayBussiness/homestayBussinessDetail",
    }


@pytest.mark.parametrize(("path", "headers"), [(COMMENTS, {}), (DETAIL, {"Authorization": "Bearer a.b.c"})])
async def test_other_routes_are_never_kept_whatever_their_headers_say(catalogue, path, headers):
    await catalogue.read(path, **headers)
    await catalogue.read(path, **headers)
    assert catalogue.asked == 2


@pytest.mark.parametrize("status", [404, 422, 500, 503])
async def test_errors_are_not_kept(catalogue, status):
    catalogue.status = status
    assert (await catalogue.read()).status_code == status
    catalogue.status = 200
    assert ((await catalogue.read()).status_code, catalogue.asked) == (200, 2)


@pytest.mark.parametrize("header", [None, "no-store", "private, max-age=5", "public", "public, max-age=0", "max-age=5"])
async def test_what_travel_does_not_call_public_is_not_kept(catalogue, header):
    catalogue.headers = {} if header is None else {"Cache-Control": header}
    await catalogue.read()
    await catalogue.read()
    assert catalogue.asked == 2


async def test_a_dead_travel_is_503_and_is_asked_again(catalogue):
    found = catalogue.peers.answers.pop(("travel", LIST))
    assert (await catalogue.read()).status_code == 503
    catalogue.peers.answers["travel", LIST] = found
    assert (await catalogue.read()).status_code == 200


async def test_many_at_once_are_one_question_and_one_answer(catalogue, monkeypatch):
    asked, proceed = asyncio.Event(), asyncio.Event()
    invoke = catalogue.peers.invoke

    async def slowly(*args: Any, **parts: Any) -> httpx.Response:
        asked.set()
        await proceed.wait()
        return await invoke(*args, **parts)

    monkeypatch.setattr(catalogue.peers, "invoke", slowly)
    first = asyncio.create_task(catalogue.read())
    await asked.wait()
    others = [asyncio.create_task(catalogue.read()) for _ in range(20)]
    while _lookups("shared") < 20:
        await asyncio.sleep(0.01)
    first.cancel()  # the others do not lose their answer with it
    proceed.set()
    assert [(await each).json() for each in others] == [{"title": "first"}] * 20
    assert catalogue.asked == 1


async def test_who_has_this_version_gets_304_without_a_body(catalogue):
    for tags in ('"one"', 'W/"one"', '"zero", "one"', "*"):
        response = await catalogue.read(**{"If-None-Match": tags})
        assert (response.status_code, response.content) == (304, b"")
        assert (response.headers["etag"], response.headers["vary"]) == ('"one"', "Accept-Language")
        assert "content-length" not in response.headers
    assert (await catalogue.read(**{"If-None-Match": '"other"'})).json() == {"title": "first"}
    assert catalogue.asked == 1


async def test_a_padded_request_is_served_and_takes_no_room(catalogue):
    body = {"page": 1, "padding": "x" * LARGEST_KEY_BYTES}
    assert (await catalogue.read(body=body)).status_code == 200
    await catalogue.read(body=body)
    assert catalogue.asked == 2


@pytest.mark.parametrize("changes", [{"catalogue_cache_bytes": 64 * 1024}])
async def test_the_least_recently_read_goes_when_room_runs_out(catalogue):
    catalogue.answer = {"title": "x" * 18_000}  # three of these fit
    for page in (1, 2, 3, 1, 4):
        await catalogue.read(body={"page": page})
    assert catalogue.asked == 4
    await catalogue.read(body={"page": 1})
    assert catalogue.asked == 4
    await catalogue.read(body={"page": 2})
    assert catalogue.asked == 5


async def test_lookups_are_counted(catalogue):
    before = {result: _lookups(result) for result in ("hit", "miss")}
    for _ in range(3):
        await catalogue.read()
    assert {result: _lookups(result) - before[result] for result in before} == {"hit": 2, "miss": 1}


def _lookups(result: str) -> float:
    return REGISTRY.get_sample_value("gateway_catalogue_lookups_total", {"result": result}) or 0.0
