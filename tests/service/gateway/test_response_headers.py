"""What every response of the public door says to browsers and caches, and which requests it does not guess about."""

import httpx
import pytest

from gateway.main import create_app
from servicekit.testing import FakeSidecar, client
from tests.service.gateway.serving import settings

DETAIL, LIST = "/usercenter/v1/user/detail", "/travel/v1/homestay/homestayList"
YEAR = "max-age=31536000"
BEARER = {"Authorization": "Bearer x"}


@pytest.fixture
def peers():
    sidecar = FakeSidecar()
    sidecar.answer("usercenter", DETAIL, {"code": 200, "data": {"userInfo": {"mobile": "13800000001"}}})
    sidecar.answers["travel", LIST] = lambda _: httpx.Response(
        200, json={"code": 200}, headers={"cache-control": "public, max-age=5", "etag": '"1"'}
    )
    return sidecar


@pytest.fixture
async def http(peers):
    async with client(create_app(settings(), sidecar=peers)) as http:
        yield http


@pytest.mark.parametrize(
    ("method", "path", "status", "cache"),
    [
        ("POST", DETAIL, 200, "no-store"),
        ("POST", LIST, 200, "public, max-age=5"),
        ("POST", "/order/v1/homestayOrder/userHomestayOrderList", 503, "no-store"),
        ("POST", "/nowhere", 404, "no-store"),
        ("GET", DETAIL, 405, "no-store"),
        ("GET", "/", 200, "no-cache"),
        ("GET", "/console/signin", 200, "no-store"),
        ("GET", "/static/js/api.js", 200, "public, max-age=3600"),
        ("POST", "/storefront/qr", 422, "no-store"),
    ],
)
async def test_nothing_is_guessed_and_nothing_kept_that_is_not_said_to_be(http, method, path, status, cache):
    response = await http.request(method, path, json={} if method == "POST" else None, headers=BEARER)
    assert response.status_code == status
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    assert response.headers.get_list("cache-control") == [cache]
    assert "strict-transport-security" not in response.headers


async def test_a_read_from_the_cache_says_the_same(http):
    await http.post(LIST, json={})
    kept = await http.post(LIST, json={}, headers={"If-None-Match": '"1"'})
    assert kept.status_code == 304
    assert kept.headers.get_list("x-content-type-options") == ["nosniff"]
    assert kept.headers.get_list("cache-control") == ["public, max-age=5"]


@pytest.mark.parametrize(
    ("base", "public_url", "secure"),
    [
        ("http://shop.example", "", False),
        ("https://shop.example", "", True),
        ("http://shop.example", "https://shop.example", True),
        ("http://shop.example", "http://shop.example", False),
    ],
)
async def test_over_https_browsers_are_told_to_stay_there_and_cookies_are_for_it_alone(peers, base, public_url, secure):
    app = create_app(settings(public_url=public_url), sidecar=peers)
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base)
    async with app.router.lifespan_context(app), browser as http:
        api = await http.post(DETAIL, json={}, headers=BEARER)
        shop = await http.get("/?lang=en")
        console = await http.get("/console/signin?lang=en")
    for response in (api, shop, console):
        assert response.headers.get("strict-transport-security") == (YEAR if secure else None)
    for response in (shop, console):
        cookie = response.headers["set-cookie"].split("; ")
        assert cookie[0] == "minsu_lang=en"
        assert ("Secure" in cookie) is secure


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "Content-Type"])
@pytest.mark.parametrize("same", [True, False])
async def test_a_header_that_decides_something_is_there_once(http, peers, name, same):
    headers = [(name, "Bearer a"), (name.lower(), "Bearer a" if same else "Bearer b")]
    response = await http.post(DETAIL, content=b"{}", headers=headers)
    assert response.status_code == 400
    problem = response.json()
    assert (problem["code"], problem["type"]) == (100120, "/problems/repeated-header")
    assert problem["field"] == name.lower()
    assert peers.calls == []
