"""Payment under test: as one service with its HTTP, its cron and its rows, or as parts around doubles of the outside."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
from sqlalchemy import RowMapping, text

from payment.merchant import Merchant
from payment.parts import Parts
from payment.settings import PaymentSettings
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.sidecar import Sidecar
from servicekit.testing import SIDECAR_HEADERS, FakeSidecar, Tokens, called_by
from tests.service.payment.wechat import API_V3_KEY, APPID, MCHID, MERCHANT_SERIAL, SERIAL, FakeWechat
from tests.support.clock import RunningClock

PREPAY, STATUS = "/payment/v1/thirdPayment/thirdPaymentWxPay", "/payment/v1/thirdPayment/thirdPaymentStatus"
CALLBACK = "/payment/v1/thirdPayment/thirdPaymentWxPayCallback"
REFUND_CALLBACK = "/payment/v1/thirdPayment/thirdPaymentWxRefundCallback"
ORDER, BUYER, OPERATOR = "HSO2026112309302612345678", 1, 9
BODY = {"orderSn": ORDER, "serviceType": "homestayOrder"}
SETTINGS: dict[str, Any] = {
    "wxpay_base_url": "https://api.mch.weixin.qq.com",
    "wxpay_mchid": MCHID,
    "wxpay_appid": APPID,
    "wxpay_mch_serial": MERCHANT_SERIAL,
    "wxpay_notify_url": f"https://minsu.example{CALLBACK}",
    "wxpay_refund_notify_url": f"https://minsu.example{REFUND_CALLBACK}",
    "wxpay_public_key_id": SERIAL,
    "refund_spacing_seconds": 0,
}
MERCHANT = Merchant(mchid=MCHID, appid=APPID)


class Service:
    """One payment service: what buyers, WeChat, order, cron and operators do with it, and what it has written down."""

    def __init__(
        self, http: httpx.AsyncClient, clock: RunningClock, wechat: FakeWechat, tokens: Tokens, db: Database
    ) -> None:
        self.http, self.clock, self.wechat, self.tokens, self.db = http, clock, wechat, tokens, db

    async def prepay(self, **body: Any) -> httpx.Response:
        return await self.http.post(PREPAY, json=BODY | body, headers=self.tokens.bearer(BUYER))

    async def prepaid(self, **body: Any) -> str:
        """The number of an order's payment that the cashier was opened for."""
        number: str = (await self.prepay(**body)).json()["data"]["paymentSn"]
        return number

    async def paid(self, **body: Any) -> str:
        """The number of a payment that WeChat holds the money of, and we do not know yet."""
        number = await self.prepaid(**body)
        self.wechat.pay(number)
        return number

    async def settled(self) -> str:
        """The number of a payment that WeChat has told us of."""
        number = await self.paid()
        answer = await self.deliver(*self.wechat.notification(number))
        assert answer.status_code == 204, answer.text
        return number

    async def status(self, *, user: int = BUYER) -> httpx.Response:
        return await self.http.post(STATUS, json={"orderSn": ORDER}, headers=self.tokens.bearer(user))

    async def deliver(self, headers: dict[str, str], body: bytes, path: str = CALLBACK) -> httpx.Response:
        """WeChat's notification, as `FakeWechat` makes it."""
        return await self.http.post(path, content=body, headers={"Content-Type": "application/json", **headers})

    async def close(self) -> httpx.Response:
        return await self.http.post("/internal/close", json={"orderSn": ORDER}, headers=called_by("order"))

    async def job(self, name: str) -> httpx.Response:
        return await self.http.post(f"/jobs/payment-{name}", headers=SIDECAR_HEADERS)

    async def desk(self, name: str, body: Any, *roles: str, by: int = OPERATOR) -> httpx.Response:
        """As an operator, or as a user with `roles`."""
        headers = self.tokens.bearer(by, *(roles or ("operator",)))
        return await self.http.post(f"/payment/v1/ops/{name}", json=body, headers=headers)

    async def rows(self, table: str) -> Sequence[RowMapping]:
        return await rows(self.db, table)

    async def payments(self) -> Sequence[RowMapping]:
        return await rows(self.db, "third_payment order by id")


async def rows(db: Database, table: str) -> Sequence[RowMapping]:
    """The rows of a table, which may be followed by `where` or `order by`; else in the order of their first column."""
    query = f"select * from {table}" + ("" if "order by" in table else " order by 1")  # noqa: S608 - names of ours
    async with db.read() as session:
        return (await session.execute(text(query))).mappings().all()


def parts_of(
    db: Database,
    clock: Clock = utc_now,
    *,
    pay: Any = None,
    bills: Any = None,
    sidecar: Sidecar | None = None,
) -> Parts:
    """`pay` and `bills` stand for WeChat; a test that reaches one that it did not give fails there."""
    wechat: Any = SimpleNamespace(pay=pay, bills=bills)
    return Parts.of(
        PaymentSettings(**SETTINGS), {}, db=db, clock=clock, wechat=wechat, sidecar=sidecar or FakeSidecar()
    )


def secrets_of(wechat: FakeWechat) -> dict[str, str]:
    return {
        "wxpay-mch-private-key": wechat.key_file("apiclient_key.pem"),
        "wxpay-apiv3-key": API_V3_KEY,
        "wxpay-public-key": wechat.key_file("pub_key.pem"),
    }


def time_from_now(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat().replace("+00:00", "Z")


def payable(**changes: Any) -> dict[str, Any]:
    """Order's answer: an order that may be paid within half an hour."""
    return {
        "orderSn": ORDER,
        "userId": BUYER,
        "totalFen": 19900,
        "tradeState": 0,
        "payable": True,
        "closeAt": time_from_now(minutes=30),
        "title": "洱海边的白房子",
        "traceparent": "",
        "tracestate": "",
    } | changes


def wechat_of(user_id: int, openid: str) -> dict[str, Any]:
    """Usercenter's answer: who the buyer is for our mini-program."""
    return {"userId": user_id, "authType": "wxMini", "authKey": openid, "appid": APPID}
