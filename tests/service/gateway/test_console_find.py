"""Find: whatever is known of a payment leads to its order, and what is typed is in no address."""

import asyncio
import re

import httpx
import pytest

from tests.service.gateway.operators import Operations, enter, post
from tests.service.gateway.ways import MOBILE, PAYMENT_SN, SN, TRANSACTION, USER_ID, lost_callback, order, payment

WAY = f"/console/payments/{SN}"
OTHER = "HSO2026112309302600000001"


@pytest.fixture
async def search(app: httpx.AsyncClient, services: Operations):
    """Types into the box as an operator; the response."""
    services.fresh()
    lost_callback(services)
    app.cookies.clear()
    csrf = await enter(app)
    services.bodies.clear()

    async def search(what: str, **fields: str) -> httpx.Response:
        return await post(app, "/console", {"csrf": csrf, "what": what, **fields})

    return search


@pytest.mark.parametrize("what", [SN, f" {SN} ", SN.lower()])
async def test_an_orders_number_leads_straight_to_its_way(search, services, what):
    response = await search(what)
    assert (response.status_code, response.headers["location"]) == (303, WAY)
    assert services.bodies == {}


@pytest.mark.parametrize("what", [MOBILE, "138 0000 0001", "+86 138-0000-0001"])
async def test_a_mobile_leads_to_its_accounts_order_however_it_is_typed(search, services, what):
    response = await search(what)
    assert (response.status_code, response.headers["location"]) == (303, WAY)
    assert services.bodies["/usercenter/v1/ops/accountDetail"] == [{"mobile": MOBILE}]
    assert services.bodies["/order/v1/ops/orderFind"] == [{"userId": USER_ID}]


async def test_the_reason_of_a_search_goes_into_the_audit(search, services):
    await search(MOBILE, note=" 客人来电 ")
    assert services.bodies["/usercenter/v1/ops/accountDetail"] == [{"mobile": MOBILE, "note": "客人来电"}]
    assert services.bodies["/order/v1/ops/orderFind"] == [{"userId": USER_ID, "note": "客人来电"}]


@pytest.mark.parametrize("number", [PAYMENT_SN, "RFD2026112309310087654321", TRANSACTION])
async def test_a_number_of_a_payment_a_refund_or_wechat_leads_to_the_order(search, services, number):
    services.data("/payment/v1/ops/paymentFind", {"list": [payment(), payment(sn="PMT2026112309310000000001")]})
    response = await search(number)
    assert (response.status_code, response.headers["location"]) == (303, WAY)
    assert services.bodies == {"/payment/v1/ops/paymentFind": [{"number": number}]}


@pytest.mark.parametrize("number", [PAYMENT_SN, TRANSACTION])
async def test_a_payments_number_leads_to_the_way_while_order_is_down(search, services, number):
    services.data("/payment/v1/ops/paymentFind", {"list": [payment()]})
    del services.answers["order", "/order/v1/ops/orderFind"]
    response = await search(number)
    assert (response.status_code, response.headers.get("location")) == (303, WAY)


async def test_orders_of_payments_are_listed_as_far_as_payment_knows_them_while_order_is_down(search, services):
    other = payment(sn="PMT2026112309310000000001", orderSn=OTHER, createdAt="2026-11-24T01:31:00Z", totalFen=12_300)
    services.data("/payment/v1/ops/paymentFind", {"list": [payment(), other]})
    del services.answers["order", "/order/v1/ops/orderFind"]
    response = await search(PAYMENT_SN)
    assert response.status_code == 200
    assert response.text.count('data-testid="missing-order"') == 1
    assert re.findall(r'<tr><td><a href="/console/payments/(\w+)">', response.text) == [OTHER, SN]
    assert "740.51" in response.text
    assert "123.00" in response.text


async def test_orders_of_payments_are_told_apart_by_what_order_knows(search, services):
    services.data("/payment/v1/ops/paymentFind", {"list": [payment(), payment(orderSn=OTHER)]})
    response = await search(PAYMENT_SN)
    assert response.status_code == 200
    assert services.bodies["/order/v1/ops/orderFind"] == [{"sn": SN}, {"sn": OTHER}]
    assert "洱海边的白族小院" in response.text
    assert 'data-testid="missing-order"' not in response.text


async def test_a_mobile_is_asked_for_as_no_number_and_no_service_may_take_long(search, services):
    await search(MOBILE)
    assert set(services.bodies) == {"/usercenter/v1/ops/accountDetail", "/order/v1/ops/orderFind"}
    assert services.waits[-2:] == pytest.approx([1.5, 2.1], abs=0.2)


async def test_a_text_that_may_be_a_code_or_a_number_is_asked_for_as_both_at_once(search, services, monkeypatch):
    both = asyncio.Barrier(2)

    async def together(app_id, method, path, **parts):
        await asyncio.wait_for(both.wait(), 5)
        return await Operations.invoke(services, app_id, method, path, **parts)

    monkeypatch.setattr(services, "invoke", together)
    response = await search("K7MX4QPA")
    assert (response.status_code, response.headers["location"]) == (303, WAY)


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
    services.refuse("/usercenter/v1/ops/accountDetail", "not-found")
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
