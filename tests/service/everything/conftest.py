"""Every service in this process, each on a database of its own; peers are away, WeChat refuses."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

import gateway.main
import gateway.settings
import notification.main
import notification.settings
import order.main
import order.settings
import payment.main
import payment.settings
import travel.main
import travel.settings
import usercenter.main
import usercenter.settings
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar, Tokens, client
from tests.service.payment.wechat import API_V3_KEY, APPID, MCHID, SERIAL, FakeWechat, pem_of_private, pem_of_public
from tests.support.mini_program import Answering
from tests.support.postgres import PostgresServer

NOTIFY = "https://minsu.example/payment/v1/thirdPayment/thirdPaymentWxPayCallback"
UNTOLD = {"/livez", "/readyz", "/metrics", "/docs", "/docs/oauth2-redirect", "/openapi.json"}


@dataclass
class Service:
    """One service as a caller meets it who has every role and the sidecar's token."""

    name: str
    app: FastAPI
    http: httpx.AsyncClient
    headers: dict[str, str]

    def endpoints(self) -> list[tuple[str, str, Any]]:
        """(method, path, body's field or None) of all that is routed."""
        return [
            (method, each.path, getattr(each, "body_field", None))
            for each in iter_route_contexts(self.app.routes)
            if each.path not in UNTOLD
            for method in sorted((each.methods or set()) - {"HEAD"})
        ]

    async def send(self, method: str, path: str, body: bytes, **headers: str) -> httpx.Response:
        given = {"Content-Type": "application/json", **self.headers, **headers}
        return await self.http.request(method, path, content=body, headers=given)


@pytest.fixture(scope="package")
def everything_tokens() -> Tokens:
    return Tokens()


@pytest.fixture(scope="package", autouse=True)
def _short_log() -> Iterator[None]:
    """One line each: the default renders every frame of a traceback, which would take most of the time here."""
    structlog.configure(processors=[structlog.processors.JSONRenderer(ensure_ascii=False)])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="package")
async def services(postgres: PostgresServer, everything_tokens: Tokens) -> AsyncIterator[dict[str, Service]]:
    tokens, wechat = everything_tokens, FakeWechat()

    def of(name: str, kind: Callable[..., Any], **more: Any) -> Any:
        url = postgres.migrated(name, f"minsu_everything_{name}")
        return kind(database_url=url, APP_API_TOKEN=APP_TOKEN, **more)

    def sidecar() -> FakeSidecar:
        return FakeSidecar()

    wxma = {"wxma_base_url": "http://wechat.invalid", "wxma_appid": APPID}
    verifier = tokens.verifier
    apps: dict[str, FastAPI] = {
        "usercenter": usercenter.main.create_app(
            of("usercenter", usercenter.settings.Settings, **wxma),
            sidecar=sidecar(),
            held_secrets={"jwt-private-key": _private_key(), "wxma-secret": "secret"},
        ),
        "travel": travel.main.create_app(
            of("travel", travel.settings.Settings, profiles_timeout_seconds=30), sidecar=sidecar(), verifier=verifier()
        ),
        "order": order.main.create_app(of("order", order.settings.Settings), sidecar=sidecar(), verifier=verifier()),
        "payment": payment.main.create_app(
            of(
                "payment",
                payment.settings.Settings,
                wxpay_base_url="https://api.mch.weixin.qq.com",
                wxpay_mchid=MCHID,
                wxpay_appid=APPID,
                wxpay_mch_serial="7" * 40,
                wxpay_notify_url=NOTIFY,
                wxpay_refund_notify_url=NOTIFY,
                wxpay_public_key_id=SERIAL,
            ),
            {
                "wxpay-mch-private-key": pem_of_private(wechat.merchant),
                "wxpay-apiv3-key": API_V3_KEY,
                "wxpay-public-key": pem_of_public(wechat.key),
            },
            sidecar=sidecar(),
            verifier=verifier(),
            wechat_transport=wechat,
        ),
        "notification": notification.main.create_app(
            of(
                "notification",
                notification.settings.Settings,
                **wxma,
                template_paid="paid",
                template_arrival="arrival",
                template_refunded="refunded",
                template_refund_asked="asked",
                give_up_after=timedelta(hours=1),
            ),
            sidecar=sidecar(),
            verifier=verifier(),
            wxma_secret="secret",
            wechat=Answering(b'{"errcode": 40029, "errmsg": "invalid"}'),
        ),
        "gateway": gateway.main.create_app(gateway.settings.Settings(APP_API_TOKEN=APP_TOKEN), sidecar=sidecar()),
    }
    roles = tokens.bearer(7, "buyer", "merchant", "operator")
    async with AsyncExitStack() as running:
        found = {
            name: Service(name, app, await running.enter_async_context(client(app)), {**SIDECAR_HEADERS, **roles})
            for name, app in apps.items()
        }
        registered = await found["usercenter"].send(
            "POST", "/usercenter/v1/user/register", b'{"mobile": "13900000000", "password": "secret-123"}'
        )
        found["usercenter"].headers["Authorization"] = f"Bearer {registered.json()['data']['accessToken']}"
        yield found


def _private_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(pem, pkcs8, plain).decode()
