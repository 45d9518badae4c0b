"""The cashier page, as a browser without script would use it."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx

from .conftest import MerchantClient


async def open_page(merchant: MerchantClient, **query: str) -> httpx.Response:
    assert merchant.http is not None
    return await merchant.http.get(f"http://sim/cashier?{urlencode(query)}")


async def tap(merchant: MerchantClient, action: str, **form: str) -> httpx.Response:
    assert merchant.http is not None
    return await merchant.http.post(
        "http://sim/cashier",
        content=urlencode({"action": action} | form),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        follow_redirects=True,
    )


async def test_a_user_pays_and_returns_to_the_merchant(merchant: MerchantClient) -> None:
    prepay_id = await merchant.prepay("CASH-00001")
    page = await open_page(merchant, prepay_id=prepay_id, return_url="http://localhost:8000/done?a=1&b=2")
    assert 'id="pay-button"' in page.text
    assert 'id="cancel-button"' in page.text
    assert "199.00" in page.text
    assert "山间小屋 一晚" in page.text
    done = await tap(
        merchant, "pay", prepay_id=prepay_id, return_url="http://localhost:8000/done?a=1&b=2", subscribe="1"
    )
    assert 'id="pay-result" data-result="paid"' in done.text
    assert 'href="http://localhost:8000/done?a=1&amp;b=2"' in done.text
    assert (await merchant.books("CASH-00001"))["held"] == 19900
    again = await tap(merchant, "pay", prepay_id=prepay_id)
    assert 'data-result="paid"' in again.text
    assert (await merchant.books("CASH-00001"))["paid"] == 19900


async def test_cancelling_pays_nothing(merchant: MerchantClient) -> None:
    prepay_id = await merchant.prepay("CASH-00002")
    done = await tap(merchant, "cancel", prepay_id=prepay_id)
    assert 'data-result="cancelled"' in done.text
    assert (await merchant.books("CASH-00002"))["state"] == "NOTPAY"
    assert (await merchant.control("GET", "/_sim/quota")).json() == {"quota": []}


BACK_TO_THE_MERCHANT = [
    "https://pay.example.com/done?a=1",  # the host of its notify_url
    "HTTP://PAY.EXAMPLE.COM:8443/",
    "http://localhost:8000/waiting/1",
    "http://127.0.0.1:8000/waiting/1",
    "http://[::1]:8000/",
    "http://sim/done",  # the host of the cashier page
]
ELSEWHERE = [
    "javascript:alert(1)",
    "data:text/html,x",
    "//shop",
    "shop",
    "",
    "https://evil.example/",
    "https://pay.example.com.evil.example/",
    "https://pay.example.com@evil.example/",
    "https://evil.example@pay.example.com/",
    "https://@pay.example.com/",
    "https://evil.example\\@pay.example.com/",
    "https:\\\\pay.example.com/",
    "https:/pay.example.com/",
    "https:///pay.example.com/",
    "ftp://pay.example.com/",
    "https://pay.example.com:99999/",
    "https://[pay.example.com/",
    " https://pay.example.com/",
    "https://pay.example.com/ x",
    "ht\ttps://pay.example.com/",
    "https://pay.example.com/\r\nX: y",
    "https://pay.example.com/\x00",
    "https://p\u0430y.example.com/",
    "https://pay.example.com\uff0fevil/",
    "https://pay\u3002example.com/",
]


async def test_return_urls_of_the_merchant_are_allowed(merchant: MerchantClient) -> None:
    prepay_id = await merchant.prepay("CASH-00003", notify_url="https://pay.example.com/notify")
    for url in BACK_TO_THE_MERCHANT:
        assert (
            f'id="return-link" href="{url}"' in (await tap(merchant, "pay", prepay_id=prepay_id, return_url=url)).text
        )


async def test_other_return_urls_are_dropped(merchant: MerchantClient) -> None:
    prepay_id = await merchant.prepay("CASH-00004", notify_url="https://pay.example.com/notify")
    for url in ELSEWHERE:
        for page in (
            await open_page(merchant, prepay_id=prepay_id, return_url=url),
            await tap(merchant, "cancel", prepay_id=prepay_id, return_url=url),
            await open_page(merchant, prepay_id="no", return_url=url),
        ):
            assert page.status_code in {200, 404}
            assert "return-link" not in page.text, ascii(url)
    assert (
        "return-link" not in (await tap(merchant, "pay", prepay_id=prepay_id, return_url="https://evil.example/")).text
    )


async def test_an_invalid_host_header_is_no_crash(merchant: MerchantClient) -> None:
    assert merchant.http is not None
    page = await merchant.http.get("http://sim/cashier?prepay_id=no&return_url=http://sim/", headers={"Host": "[::1"})
    assert page.status_code == 404


async def test_text_of_the_merchant_is_escaped(merchant: MerchantClient) -> None:
    prepay_id = await merchant.prepay("CASH-00005", description="<script>alert(1)</script>")
    page = await open_page(merchant, prepay_id=prepay_id)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_an_unknown_prepay_id_is_a_page_not_a_crash(merchant: MerchantClient) -> None:
    page = await open_page(merchant, prepay_id="no")
    assert page.status_code == 404
    assert "找不到这笔订单" in page.text
