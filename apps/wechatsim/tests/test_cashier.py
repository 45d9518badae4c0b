"""The cashier page, as a browser without script would use it."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx

from .conftest import Partner


async def open_page(partner: Partner, **query: str) -> httpx.Response:
    assert partner.http is not None
    return await partner.http.get(f"http://sim/cashier?{urlencode(query)}")


async def tap(partner: Partner, action: str, **form: str) -> httpx.Response:
    assert partner.http is not None
    return await partner.http.post(
        "http://sim/cashier",
        content=urlencode({"action": action} | form),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        follow_redirects=True,
    )


async def test_a_person_pays_and_goes_back(partner: Partner) -> None:
    prepay_id = await partner.prepay("CASH-00001")
    page = await open_page(partner, prepay_id=prepay_id, return_url="http://shop.example.com/done?a=1&b=2")
    assert 'id="pay-button"' in page.text
    assert 'id="cancel-button"' in page.text
    assert "199.00" in page.text
    assert "山间小屋 一晚" in page.text
    done = await tap(
        partner, "pay", prepay_id=prepay_id, return_url="http://shop.example.com/done?a=1&b=2", subscribe="1"
    )
    assert 'id="pay-result" data-result="paid"' in done.text
    assert 'href="http://shop.example.com/done?a=1&amp;b=2"' in done.text
    assert (await partner.books("CASH-00001"))["held"] == 19900
    again = await tap(partner, "pay", prepay_id=prepay_id)
    assert 'data-result="paid"' in again.text
    assert (await partner.books("CASH-00001"))["paid"] == 19900


async def test_cancelling_pays_nothing(partner: Partner) -> None:
    prepay_id = await partner.prepay("CASH-00002")
    done = await tap(partner, "cancel", prepay_id=prepay_id)
    assert 'data-result="cancelled"' in done.text
    assert (await partner.books("CASH-00002"))["state"] == "NOTPAY"
    assert (await partner.control("GET", "/_sim/quota")).json() == {"quota": []}


async def test_only_web_addresses_are_offered_to_go_back_to(partner: Partner) -> None:
    prepay_id = await partner.prepay("CASH-00003")
    for evil in ("javascript:alert(1)", "data:text/html,x", "//shop", "shop"):
        done = await tap(partner, "pay", prepay_id=prepay_id, return_url=evil)
        assert "return-link" not in done.text


async def test_what_a_merchant_writes_is_shown_not_run(partner: Partner) -> None:
    prepay_id = await partner.prepay("CASH-00004", description="<script>alert(1)</script>")
    page = await open_page(partner, prepay_id=prepay_id)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_an_unknown_prepay_id_is_a_page_not_a_crash(partner: Partner) -> None:
    page = await open_page(partner, prepay_id="no")
    assert page.status_code == 404
    assert "找不到这笔订单" in page.text
