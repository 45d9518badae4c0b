"""Find: whatever is known of a payment leads to its order, and what is typed is in no address."""

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.main import create_app
from servicekit.testing import client
from tests.service.gateway.operators import Operations, enter, post
from tests.service.gateway.serving import settings
from tests.service.gateway.ways import MOBILE, PAYMENT_SN, SN, TRANSACTION, USER_ID, lost_callback, order, payment

WAY = f"/console/payments/{SN}"
OTHER = "HSO2026112309302600000001"


@pytest.fixture(scope="module")
def services() -> Operations:
    return Operations()


@pytest.fixture(scope="module")
async def app(services: Operations) -> AsyncIterator[httpx.AsyncClient]:
    async with client(create_app(settings(), sidecar=services)) as http:
        yield http


@pytest.fixture
async def search(app: httpx.AsyncClient, services: Operations):
    """Types into the box as an operator; the response."""
    services.fresh()
    lost_callback(services)
    app.cookies.clear()
    csrf = await enter(app)
    services.bodies.clear()

    async def search(what: str) -> httpx.Response:
        return await post(app, "/console", {"csrf": csrf, "what": what})

    return search


@pytest.mark.parametrize("what", [SN, f" {SN} ", SN.lower()])
async def test_an_orders_number_leads_straight_to_its_way(search, services, what):
    response = await search(what)
    assert (response.status_code, response.headers["location"]) == (303, WAY)
    assert services.bodies == {}


async def test_a_mobile_leads_to_its_accounts_order(search, services):
    response = await search(MOBILE)
    assert (response.status_code, response.headers["location"]) == (303, WAY)
    assert services.bodies["/usercenter/v1/ops/accountDetail"] == [{"mobile": MOBILE}]
    assert services.bodies["/order/v1/ops/orderFind"] == [{"userId": USER_ID}]


@pytest.mark.parametrize("number", [PAYMENT_SN, "RFD2026112309310087654321", TRANSACTION])
async def test_a_number_of_a_payment_a_refund_or_wechat_leads_to_the_order(search, services, number):
    services.data("/payment/v1/ops/paymentFind", {"list": [payment(), payment(sn="PMT2026112309310000000001")]})
    response = await search(number)
    assert (response.status_code, response.headers["location"]) == (303, WAY)
    assert services.bodies["/payment/v1/ops/paymentFind"] == [{"number": number}]
    assert services.bodies["/order/v1/ops/orderFind"] == [{"sn": SN}]


@pytest.mark.parametrize("code", ["K7MX4QPA", "k7mx4qpa", "K7MX-4QPA", "k7mx 4qpa"])
async def test_a_checkin_code_leads_to_its_order_however_it_is_typed(search, services, code):
    response = await search(code)
    assert (response.status_code, response.headers["location"]) == (303, WAY)
    assert services.bodies["/order/v1/ops/orderFind"] == [{"checkinCode": "K7MX4QPA"}]


async def test_several_orders_are_listed_newest_first(search, services):
    older = order(sn=OTHER, createdAt="2026-11-20T01:30:26Z")
    services.data("/order/v1/ops/orderFind", {"list": [older, order()]})
    response = await search(MOBILE)
    assert response.status_code == 200
    assert response.text.index(SN) < response.text.index(OTHER)
    assert f'href="{WAY}"' in response.text


@pytest.mark.parametrize("what", [MOBILE, PAYMENT_SN, "K7MX4QPA", "一二三", "<script>"])
async def test_what_belongs_to_nothing_finds_nothing(search, services, what):
    services.refuse("/usercenter/v1/ops/accountDetail", 404, "没有这个账户")
    services.data("/order/v1/ops/orderFind", {"list": []})
    response = await search(what)
    assert (response.status_code, 'data-testid="nothing"' in response.text) == (404, True)
    assert "<script>" not in response.text


async def test_a_service_that_is_unavailable_is_named_and_the_others_are_shown(search, services):
    del services.answers["payment", "/payment/v1/ops/paymentFind"]
    response = await search("K7MX4QPA")
    assert response.status_code == 200
    assert "支付服务（payment）没有应答" in response.text
    assert f'href="{WAY}"' in response.text

    del services.answers["order", "/order/v1/ops/orderFind"]
    response = await search("K7MX4QPA")
    assert response.status_code == 503
    assert 'data-testid="missing-order"' in response.text
    assert 'data-testid="nothing"' not in response.text
