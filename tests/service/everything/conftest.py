"""Every service in this process, each on a database of its own; peers are away, WeChat refuses."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from servicekit.testing import SIDECAR_HEADERS, FakeSidecar, Tokens, client
from stack.layout import DATABASES
from tests.service.payment.support import secrets_of
from tests.service.payment.wechat import APPID, MCHID, SERIAL, FakeWechat
from tests.support.mini_program import Answering
from tests.support.operators import TOTP_KEY
from tests.support.postgres import PostgresServer
from tests.support.services import APPS, create

USER = "/usercenter/v1/user"
UNTOLD = {"/livez", "/readyz", "/metrics", "/docs", "/docs/oauth2-redirect", "/openapi.json"}


@dataclass
class Service:
    """One service as a caller meets it who has every role and the sidecar's token."""

    name: str
    app: FastAPI
    http: httpx.AsyncClient
    headers: dict[str, str]
    _mobiles: Iterator[int] = field(default_factory=itertools.count)

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
        answer = await self.http.request(method, path, content=body, headers=given)
        if path == f"{USER}/logout" and answer.is_success:
            await self.sign_up()  # else all that follows would be refused for want of a session
        return answer

    async def sign_up(self) -> None:
        """Go on as a new user of usercenter."""
        account = {"mobile": f"139{next(self._mobiles):08d}", "password": "secret-1234"}
        made = await self.http.post(f"{USER}/register", json=account)
        self.headers["Authorization"] = f"Bearer {made.json()['data']['accessToken']}"


@pytest.fixture(scope="session")
def everything_tokens() -> Tokens:
    return Tokens()


@pytest.fixture(scope="package", autouse=True)
def _short_log() -> Iterator[None]:
    """One line each: the default renders every frame of a traceback, which would take most of the time here."""
    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.JSONRenderer(ensure_ascii=False)])
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
async def services(postgres: PostgresServer, everything_tokens: Tokens) -> AsyncIterator[dict[str, Service]]:
    tokens, wechat = everything_tokens, FakeWechat()

    wxma, own = {"wxma_base_url": "http://wechat.invalid"}, {"verifier": tokens.verifier()}
    more: dict[str, dict[str, Any]] = {
        "gateway": {},
        "usercenter": {
            "settings": wxma,
            "held_secrets": {"jwt-private-key": _private_key(), "totp-key": TOTP_KEY, "wxma-secret": "secret"},
        },
        "travel": {"settings": {"profiles_timeout_seconds": 30}, **own},
        "payment": {
            "settings": {"wxpay_mchid": MCHID, "wxpay_appid": APPID, "wxpay_public_key_id": SERIAL},
            "secrets": secrets_of(wechat),
            "wechat_transport": wechat,
            **own,
        },
        "notification": {
            "settings": {**wxma, "give_up_after": timedelta(hours=1)},
            "wxma_secret": "secret",
            "wechat": Answering(b'{"errcode": 40029, "errmsg": "invalid"}'),
            **own,
        },
    }
    apps = {
        name: create(
            name,
            postgres.migrated(name, f"minsu_everything_{name}") if name in DATABASES else "",
            sidecar=FakeSidecar(),
            **more.get(name, own),
        )
        for name in APPS
    }
    roles = tokens.bearer(7, "buyer", "merchant", "operator")
    async with AsyncExitStack() as running:
        found = {
            name: Service(name, app, await running.enter_async_context(client(app)), {**SIDECAR_HEADERS, **roles})
            for name, app in apps.items()
        }
        await found["usercenter"].sign_up()
        yield found


def _private_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(pem, pkcs8, plain).decode()
