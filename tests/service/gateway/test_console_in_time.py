"""From the search to the timeline within five seconds, whatever is slow or hangs; and no page waits again for what has just
not responded."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from types import SimpleNamespace

import httpx
import pytest

from gateway.console import visits
from servicekit.errors import PeerUnavailable
from tests.service.gateway.operators import Operations, end_pause, enter, post
from tests.service.gateway.ways import MOBILE, PAYMENT_SN, SN, event, lost_callback, payment

REFRESH = "/usercenter/v1/user/refreshToken"
WAY = f"/console/payments/{SN}"
FIVE_SECONDS = 5.0
DEFAULT_SECONDS = 16.0
"""The gateway's own patience with services, where a page names none (GATEWAY_ANSWER_SECONDS)."""
A_LITTLE_LESS = 0.99


class Clock:
    """Advances by what calls take: as the longest of those that are made at once."""

    def __init__(self) -> None:
        self.now = 0.0

    async def take(self, seconds: float) -> None:
        end = self.now + seconds
        await asyncio.sleep(0)  # those beside it begin at the same time
        self.now = max(self.now, end)


@pytest.fixture
def slowly(services: Operations, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Clock]:
    """Lets paths that begin with any of `hanging` take all the time that they are given and then fail, and all others
    nearly all of it. Returns the clock."""

    def slowly(*hanging: str, others: float = A_LITTLE_LESS) -> Clock:
        clock = Clock()

        async def invoke(app_id, method, path, **parts):
            given = parts.get("timeout_seconds") or DEFAULT_SECONDS
            if path.startswith(hanging or ("none",)):
                services.bodies.setdefault(path, []).append(parts.get("json"))
                await clock.take(given)
                raise PeerUnavailable(f"{app_id}: ReadTimeout")
            await clock.take(given * others)
            return await Operations.invoke(services, app_id, method, path, **parts)

        monkeypatch.setattr(services, "invoke", invoke)
        monkeypatch.setattr(visits, "monotonic", lambda: clock.now)
        return clock

    return slowly


@pytest.fixture
async def desk(app: httpx.AsyncClient, services: Operations) -> SimpleNamespace:
    """An operator whose token is due to be renewed, before a payment of which an event tells."""
    services.fresh()
    lost_callback(services)
    told = event("e-1", "payment-update-paystatus-topic", "minsu/payment", "2026-11-23T01:45:00Z", None)
    services.data("/payment/v1/ops/publishedEvents", {"list": [told], "keepDays": 7})
    services.data("/payment/v1/ops/paymentFind", {"list": [payment()]})
    services.sign_in("operator", refresh_after=1)
    app.cookies.clear()
    csrf = await enter(app)
    end_pause(app)
    services.bodies.clear()

    async def search(what: str) -> httpx.Response:
        """The page that the search ends at."""
        found = await post(app, "/console", {"csrf": csrf, "what": what})
        return await app.get(found.headers["location"]) if found.status_code == HTTPStatus.SEE_OTHER else found

    return SimpleNamespace(http=app, search=search)


@pytest.mark.parametrize("what", [MOBILE, PAYMENT_SN, "K7MX4QPA", SN])
async def test_the_timeline_is_there_within_five_seconds_when_every_service_is_slow(desk, services, slowly, what):
    services.sign_in("operator", path=REFRESH)
    clock = slowly()
    page = await desk.search(what)
    assert page.url.path == WAY
    assert 'data-testid="steps"' in page.text
    assert 'data-testid="missing-' not in page.text
    assert services.bodies["/travel/v1/ops/receivedEvents"]
    assert clock.now < FIVE_SECONDS


@pytest.mark.parametrize("what", [PAYMENT_SN, "K7MX4QPA", SN])
async def test_the_timeline_is_there_within_five_seconds_while_usercenter_hangs(desk, slowly, what):
    clock = slowly("/usercenter/")
    page = await desk.search(what)
    assert page.url.path == WAY
    assert 'data-testid="steps"' in page.text
    assert clock.now < FIVE_SECONDS


@pytest.mark.parametrize("hanging", ["/order/", "/payment/", "/notification/", "/travel/"])
async def test_the_page_is_there_within_five_seconds_while_a_service_hangs(desk, slowly, hanging):
    clock = slowly("/usercenter/", hanging)
    page = await desk.search(SN)
    assert f'data-testid="missing-{hanging.strip("/")}"' in page.text
    assert clock.now < FIVE_SECONDS


async def test_a_renewal_that_fails_is_not_tried_again_for_a_while(desk, services, slowly):
    clock = slowly("/usercenter/", others=0)
    for path in ("/console", WAY, f"{WAY}/steps", "/console"):
        assert (await desk.http.get(path)).status_code == HTTPStatus.OK
    assert services.bodies[REFRESH] == [{"refreshToken": "refresh-2"}]
    assert clock.now <= visits.RENEWAL_SECONDS


@pytest.mark.parametrize("refused", [True, False])
async def test_after_a_pause_the_renewal_is_tried_again(desk, services, refused):
    if refused:
        services.refuse(REFRESH, "unavailable")
    cookies = (await desk.http.get("/console")).headers.get_list("set-cookie")
    assert [each.split("=")[0] for each in cookies] == ["minsu_console_no_renewal"]
    assert {"Max-Age=30", "HttpOnly", "Path=/console", "SameSite=strict"} <= set(cookies[0].split("; "))
    services.sign_in("operator", path=REFRESH)
    assert "set-cookie" not in (await desk.http.get("/console")).headers
    end_pause(desk.http)
    assert (await desk.http.get("/console")).headers["set-cookie"].split(".")[2] == f"refresh-{services.refreshes}"


async def test_what_usercenter_is_asked_for_besides_is_asked_for_at_the_same_time(desk, services, monkeypatch):
    both = asyncio.Barrier(2)
    verified = visits.TokenVerifier.principal

    async def invoke(app_id, method, path, **parts):
        if path == REFRESH:
            await asyncio.wait_for(both.wait(), 5)
        return await Operations.invoke(services, app_id, method, path, **parts)

    async def principal(verifier, authorization):
        if REFRESH not in services.bodies:
            await asyncio.wait_for(both.wait(), 5)
        return await verified(verifier, authorization)

    services.sign_in("operator", path=REFRESH)
    monkeypatch.setattr(services, "invoke", invoke)
    monkeypatch.setattr(visits.TokenVerifier, "principal", principal)
    assert (await desk.http.get("/console")).headers["set-cookie"].startswith("minsu_console=")
