"""WeChat settles a payment while thousands of half-sent requests hang on `python -m payment`: real sockets, real tables."""

import httpx

from tests.service.payment.support import CALLBACK, SETTINGS, STATUS, secrets_of
from tests.support.served import serving
from tests.support.waiting import eventually

HANGING = 2000
HALF_A_HEAD = b"POST /payment/v1/thirdPayment/thirdPaymentStatus HTTP/1.1\r\nHost: shop\r\nX-Slow: "
HALF_A_BODY = b"POST " + CALLBACK.encode() + b" HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nhalf"


async def test_a_payment_is_settled_while_two_thousand_half_sent_requests_hang(service, wechat, database_url):
    paid = await service.paid()
    settings = {f"PAYMENT_{name.upper()}": value for name, value in SETTINGS.items()}
    settings |= {"PAYMENT_DATABASE_URL": database_url, "ARRIVE_SECONDS": 120}
    with serving("payment", secrets=secrets_of(wechat), **settings) as shop:
        for number in range(HANGING):
            shop.connect((b"", HALF_A_HEAD, HALF_A_BODY)[number % 3])
        eventually(lambda: shop.metric("http_connections ") >= HANGING, what="all of them are connected")
        async with httpx.AsyncClient(base_url=shop.url, timeout=5) as client:
            headers, body = wechat.notification(paid)
            settled = await client.post(CALLBACK, content=body, headers=headers)
            assert settled.status_code == 204, settled.text
            assert (await client.post(STATUS, json={})).status_code == 401  # a visitor without a token is told so
            assert (await client.get("/livez")).status_code == 200
        assert shop.metric("http_connections ") >= HANGING
        assert shop.metric("http_requests_in_flight") == 0
        assert shop.metric("http_requests_refused_total") == 0
    assert [row["pay_status"] for row in await service.rows("third_payment")] == [1]
