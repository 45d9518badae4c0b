"""Payment in this process, its own database, a WeChat of the tests' own."""

from datetime import UTC, datetime, timedelta

import pytest
import stamina
from sqlalchemy import text

from payment.endpoints.internal import CALLERS
from payment.main import create_app
from payment.settings import Settings
from servicekit import migrate
from servicekit.db import Database
from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, client
from tests.service.payment.wechat import API_V3_KEY, APPID, MCHID, SERIAL, FakeWechat, pem_of_private, pem_of_public

ORDER, BUYER, OPERATOR = "HSO2026112309302612345678", 1, 9
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


@pytest.fixture(scope="session")
def database_url(postgres):
    url = postgres.create("payment_service_tests")
    migrate.upgrade("payment", url)
    return url


@pytest.fixture
async def db(database_url):
    database = Database(database_url)
    async with database.transaction() as tx:
        await tx.execute(
            text(
                "truncate operator_act, reconciliation, reconciliation_difference, payout_day, payout_record,"
                " payout_item, third_payment,"
                " payment_transition, order_closure, provider_notice, refund, refund_transition,"
                " outbox, inbox, dead_letter, idempotency_key restart identity cascade"
            )
        )
    yield database
    await database.close()


@pytest.fixture(scope="session", autouse=True)
def _no_pauses():
    stamina.set_testing(True, attempts=3, cap=True)
    yield
    stamina.set_testing(False)


@pytest.fixture(autouse=True)
def _tests_may_ask_for_refunds(monkeypatch):
    monkeypatch.setitem(CALLERS, "refund", {"tests"})  # nobody else may: order asks by event


@pytest.fixture
def wechat():
    return FakeWechat()


@pytest.fixture
def tokens():
    return Tokens()


@pytest.fixture
def sidecar():
    fake = FakeSidecar()
    fake.answer("order", "/internal/payable", payable())
    fake.answer("usercenter", "/internal/authByUser", {"userId": BUYER, "authType": "wxMini", "authKey": OPENID})
    return fake


@pytest.fixture
def settings(database_url, db):
    return Settings(
        database_url=database_url,
        APP_API_TOKEN=APP_TOKEN,
        wxpay_base_url="https://api.mch.weixin.qq.com",
        wxpay_mchid=MCHID,
        wxpay_appid=APPID,
        wxpay_mch_serial="7" * 40,
        wxpay_notify_url="https://minsu.example/payment/v1/thirdPayment/thirdPaymentWxPayCallback",
        wxpay_refund_notify_url="https://minsu.example/payment/v1/thirdPayment/thirdPaymentWxRefundCallback",
        wxpay_public_key_id=SERIAL,
        refund_spacing_seconds=0,
    )


def secrets_of(wechat):
    return {
        "wxpay-mch-private-key": pem_of_private(wechat.merchant),
        "wxpay-apiv3-key": API_V3_KEY,
        "wxpay-public-key": pem_of_public(wechat.key),
    }


@pytest.fixture
async def http(settings, wechat, tokens, sidecar):
    app = create_app(settings, secrets_of(wechat), sidecar=sidecar, verifier=tokens.verifier(), wechat_transport=wechat)
    async with client(app) as http:
        yield http


@pytest.fixture
async def desk(http, tokens):
    async def ask(name, body, *roles):
        headers = tokens.bearer(OPERATOR, *(roles or ("operator",)))
        return await http.post(f"/payment/v1/ops/{name}", json=body, headers=headers)

    return ask


def payable(**changes):
    close_at = (datetime.now(UTC) + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    return {
        "orderSn": ORDER,
        "userId": BUYER,
        "totalFen": 19900,
        "tradeState": 0,
        "payable": True,
        "closeAt": close_at,
        "title": "洱海边的白房子",
    } | changes
