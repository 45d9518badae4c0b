"""usercenter in process on a real PostgreSQL; WeChat played by respx."""

import base64
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import psycopg
import pytest
import respx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from tests.support.postgres import PostgresServer

from servicekit.clock import utc_now
from servicekit.testing import APP_TOKEN, FakeSidecar, client
from usercenter.main import create_app
from usercenter.settings import Settings

APPID = "wx0123456789abcdef"
WECHAT = "http://wechat.invalid"


class MovableClock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


def new_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def sealed(session_key: bytes, document: object) -> dict[str, str]:
    """What getPhoneNumber gives the mini-program."""
    iv = secrets.token_bytes(16)
    padder = PKCS7(128).padder()
    padded = padder.update(json.dumps(document).encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(session_key), modes.CBC(iv)).encryptor()
    data = encryptor.update(padded) + encryptor.finalize()
    return {"iv": base64.b64encode(iv).decode(), "encryptedData": base64.b64encode(data).decode()}


@dataclass
class WechatUser:
    """A person with WeChat: each `sign_in()` is a fresh code and fresh data."""

    wechat: respx.MockRouter
    openid: str
    phone: str
    appid: str = APPID

    def sign_in(self) -> dict[str, str]:
        code, key = secrets.token_hex(16), secrets.token_bytes(16)
        self.wechat.get("/sns/jscode2session", params={"js_code": code}).respond(
            json={"openid": self.openid, "session_key": base64.b64encode(key).decode()}
        )
        document = {
            "phoneNumber": self.phone,
            "purePhoneNumber": self.phone,
            "countryCode": "86",
            "watermark": {"timestamp": 1, "appid": self.appid},
        }
        return {"code": code, **sealed(key, document)}


@pytest.fixture(scope="module")
def database_url(postgres: PostgresServer) -> str:
    return postgres.migrated("usercenter", f"usercenter_{secrets.token_hex(4)}")


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, app_api_token=APP_TOKEN, wxma_base_url=WECHAT, wxma_appid=APPID)


@pytest.fixture(scope="module")
def sidecar() -> FakeSidecar:
    return FakeSidecar()


@pytest.fixture(scope="module")
async def http(settings: Settings, clock: MovableClock, sidecar: FakeSidecar) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        settings,
        clock=clock,
        sidecar=sidecar,
        # With the line end that `echo` leaves: WeChat must not be sent it.
        held_secrets={"jwt-private-key": new_key(), "wxma-secret": "the-app-secret\n"},
    )
    async with client(app) as connected:
        yield connected


@pytest.fixture
def sql(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def wechat() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=WECHAT, assert_all_called=False) as router:
        yield router


@pytest.fixture
def wechat_user(wechat: respx.MockRouter) -> Callable[..., WechatUser]:
    def make(phone: str, openid: str | None = None, appid: str = APPID) -> WechatUser:
        return WechatUser(wechat, openid or "o" + secrets.token_hex(13) + "x", phone, appid)

    return make


@pytest.fixture
def mobile() -> str:
    return f"139{secrets.randbelow(10**8):08d}"
