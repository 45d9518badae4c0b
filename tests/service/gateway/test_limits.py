"""Floods from one address are turned away before their bodies are read; WeChat, probes and our own networks never are."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.main import create_app
from servicekit.testing import FakeSidecar
from tests.service.gateway.serving import settings
from tests.support.metrics import Growth

LOGIN, LIST = "/usercenter/v1/user/login", "/travel/v1/homestay/homestayList"
CALLBACK = "/payment/v1/thirdPayment/thirdPaymentWxPayCallback"
ONE, OTHER = "203.0.114.7", "203.0.114.8"


@pytest.fixture
def peers():
    sidecar = FakeSidecar()
    for app_id, path in (("usercenter", LOGIN), ("travel", LIST), ("payment", CALLBACK)):
        sidecar.answer(app_id, path, {"code": 200, "data": {}})
    return sidecar


@pytest.fixture
async def gateway(peers):
    """`gateway(requests_per_address="3/minute")(address)`: a client from there."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(**values: object):
            app = create_app(settings(**values), sidecar=peers)
            await stack.enter_async_context(app.router.lifespan_context(app))

            async def visitor(address: str) -> httpx.AsyncClient:
                transport = httpx.ASGITransport(app=app, client=(address, 4711))
                return await stack.enter_async_context(
                    httpx.AsyncClient(transport=transport, base_url="http://shop.example")
                )

            return visitor

        yield make


async def statuses(http: httpx.AsyncClient, path: str, count: int, **more: object) -> list[int]:
    return [(await http.post(path, json={}, **more)).status_code for _ in range(count)]


async def test_beyond_the_limit_there_is_a_problem_that_says_when_to_come_again(gateway, peers):
    http = await (await gateway(requests_per_address="3/minute"))(ONE)
    assert await statuses(http, LIST, 3) == [200, 200, 200]
    asked, grown = len(peers.calls), Growth("security_events_total", kind="rate_limited")
    with capture_logs() as said:
        refused = await http.post(LIST, json={}, headers={"accept-language": "en"})
    assert refused.status_code == 429
    problem = refused.json()
    assert (problem["code"], problem["type"]) == (100104, "/problems/too-many-requests")
    assert problem["msg"] == "Too many requests, please slow down"
    assert 58 <= int(refused.headers["retry-after"]) <= 60
    assert len(peers.calls) == asked
    assert grown() == 1
    line = next(each for each in said if each["event"] == "security")
    assert (line["security_event"], line["address"], line["reason"]) == ("rate_limited", ONE, "address: 3 per 1 minute")


async def test_others_are_served_meanwhile(gateway):
    visitor = await gateway(requests_per_address="3/minute")
    assert await statuses(await visitor(ONE), LIST, 5) == [200, 200, 200, 429, 429]
    assert await statuses(await visitor(OTHER), LIST, 3) == [200, 200, 200]


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("2408:8000:1:2::1", "2408:8000:1:2:ffff::9", True),  # one site
        ("2408:8000:1:2::1", "2408:8000:1:3::1", False),
        (ONE, f"::ffff:{ONE}", True),
    ],
)
async def test_a_site_is_one_client(gateway, first, second, shared):
    visitor = await gateway(requests_per_address="2/minute")
    assert await statuses(await visitor(first), LIST, 2) == [200, 200]
    assert await statuses(await visitor(second), LIST, 1) == [429 if shared else 200]


async def test_a_network_of_ipv6_has_the_share_of_sixteen_sites(gateway, peers):
    visitor = await gateway(requests_per_address="2/minute", sign_ins_per_address="1/minute")
    sites = [await visitor(f"2408:8000:1:{site}::1") for site in range(18)]
    assert [await statuses(each, LOGIN, 1) for each in sites] == [[200]] * 16 + [[429]] * 2
    assert [await statuses(each, LIST, 1) for each in sites] == [[200]] * 14 + [[429]] * 4
    assert await statuses(await visitor("2408:8000:2:1::1"), LOGIN, 1) == [200]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.9", "192.168.1.7", "::1", "fd00::1", ""])
async def test_our_own_networks_stand_for_many_people(gateway, address):
    http = await (await gateway(requests_per_address="1/minute", sign_ins_per_address="1/minute"))(address)
    assert await statuses(http, LOGIN, 5) == [200] * 5


async def test_signing_in_has_a_tighter_limit_than_looking(gateway):
    visitor = await gateway(requests_per_address="100/minute", sign_ins_per_address="2/minute")
    http = await visitor(ONE)
    assert await statuses(http, LOGIN, 3) == [200, 200, 429]
    register = await http.post("/usercenter/v1/user/register", json={})
    assert register.status_code == 429  # one count for all ways in
    assert (await http.get("/console/signin")).status_code == 200
    assert await statuses(http, LIST, 3) == [200, 200, 200]
    assert await statuses(await visitor(OTHER), LOGIN, 2) == [200, 200]


@pytest.mark.parametrize(
    "path",
    [
        "/usercenter/v1/user/reauthenticate",
        "/usercenter/v1/user/totpEnrol",
        "/usercenter/v1/user/changePassword",
        "/console/second-factor/begin",
        "/console/acts/payout",
    ],
)
async def test_whatever_takes_a_password_counts_as_a_sign_in(gateway, path):
    http = await (await gateway(requests_per_address="100/minute", sign_ins_per_address="2/minute"))(ONE)
    first, second, third = await statuses(http, path, 3)
    assert 429 not in {first, second}
    assert third == 429
    assert await statuses(http, LOGIN, 1) == [429]


async def test_refreshes_have_a_limit_of_their_own(gateway):
    visitor = await gateway(refreshes_per_address="2/minute")
    http = await visitor(ONE)
    first, second, third = await statuses(http, "/usercenter/v1/user/refreshToken", 3)
    assert 429 not in {first, second}
    assert third == 429
    assert await statuses(http, LOGIN, 1) == [200]


async def test_pictures_have_one_too(gateway):
    http = await (await gateway(pictures_per_address="2/minute"))(ONE)
    drawn = [(await http.post("/storefront/qr", json={"text": "K7MX4QPA"})).status_code for _ in range(3)]
    assert drawn == [200, 200, 429]


async def test_wechat_and_probes_have_none(gateway):
    http = await (await gateway(requests_per_address="1/minute"))(ONE)
    assert await statuses(http, LIST, 2) == [200, 429]
    assert await statuses(http, CALLBACK, 5) == [200] * 5
    assert (await http.get("/livez")).status_code == 200
    assert (await http.get("/metrics")).status_code == 200


async def test_a_body_is_not_read_for_one_that_is_refused(gateway):
    http = await (await gateway(requests_per_address="1/minute"))(ONE)
    await http.post(LIST, json={})
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield b"{}"

    assert (await http.post(LIST, content=body())).status_code == 429
    assert read == []


async def test_an_empty_rate_is_no_limit(gateway):
    http = await (await gateway(requests_per_address="", sign_ins_per_address=""))(ONE)
    assert await statuses(http, LOGIN, 200) == [200] * 200


@pytest.mark.parametrize("rate", ["many", "5", "5/fortnight"])
def test_what_is_no_rate_is_refused_at_the_start(rate):
    with pytest.raises(ValueError, match="requests_per_address"):
        settings(requests_per_address=rate)
