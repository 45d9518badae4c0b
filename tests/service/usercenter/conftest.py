"""usercenter in process on a real PostgreSQL; wechatsim is its WeChat, behind respx for responses that it never gives."""

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
from argon2 import PasswordHasher
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from tests.support.operators import TOTP_KEY, Authenticator
from tests.support.postgres import PostgresServer, as_owner
from tests.support.sandbox import Sandbox

from servicekit.clock import utc_now
from servicekit.testing import APP_TOKEN, FakeSidecar, client
from usercenter.main import create_app
from usercenter.settings import Settings
from wechatsim.mini import login

APPID, SECRET = "wx0123456789abcdef", "the-app-secret"
SECOND = "wxfedcba9876543210"
"""Another mini program, on the same accounts; its secret is \"s\"."""
WECHAT = "http://wechat.invalid"


@pytest.fixture(scope="module", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Passwords that are hashed at once: the real hash costs 25 ms of processor time, and every sign-in takes one, of an
    unknown mobile too. Where the hash itself matters a module has a fixture of this name that does nothing."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("usercenter.passwords.HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


class MovableClock:
    def __init__(self) -> None:
        self.ahead = timedelta()
        self.stands_at: datetime | None = None

    def __call__(self) -> datetime:
        return (self.stands_at or utc_now()) + self.ahead


def new_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def held() -> dict[str, str]:
    """Secrets of a usercenter, with a signing key of its own."""
    return {"jwt-private-key": new_key(), "totp-key": TOTP_KEY, "wxma-secret": "s"}


async def enrolled(http: httpx.AsyncClient, mobile: str, password: str) -> tuple[Authenticator, list[str], str]:
    """Enrol the operator of `mobile`: the phone, recovery codes, and a token with the role."""
    user = "/usercenter/v1/user"
    signed_in = await http.post(f"{user}/login", json={"mobile": mobile, "password": password})
    first = {"Authorization": f"Bearer {signed_in.json()['data']['accessToken']}"}
    made = await http.post(f"{user}/totpEnrol", json={"password": password}, headers=first)
    phone = Authenticator(made.json()["data"]["secret"])
    done = await http.post(f"{user}/totpConfirm", json={"totpCode": phone.code()}, headers=first)
    assert done.status_code == 200, done.text
    data = done.json()["data"]
    return phone, data["recoveryCodes"], data["token"]["accessToken"]


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
    """A user of WeChat: each `sign_in()` is a new code with new data."""

    sandbox: Sandbox
    openid: str
    phone: str
    appid: str = APPID

    def sign_in(self) -> dict[str, str]:
        """As the phone gives it to the mini program; for an unknown `appid` the code is APPID's, and the data is not."""
        known = self.appid in self.sandbox.sim.apps
        made = login.new_code(self.sandbox.sim, self.openid, appid=self.appid if known else APPID, mobile=self.phone)
        if known:
            return {name: made[name] for name in ("code", "iv", "encryptedData")}
        document = login.phone_info(self.sandbox.sim, self.appid, self.phone)
        return {"code": made["code"], **sealed(base64.b64decode(made["session_key"]), document)}


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
        held_secrets={"jwt-private-key": new_key(), "totp-key": TOTP_KEY, "wxma-secret": f"{SECRET}\n"},
    )
    async with client(app) as connected:
        yield connected


@pytest.fixture
def sql(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(as_owner(database_url), autocommit=True) as connection:
        yield connection


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox({APPID: SECRET, SECOND: "s"})
    yield made
    made.close()


@pytest.fixture
def wechat(sandbox: Sandbox) -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=WECHAT, assert_all_called=False) as router:
        router.get("/sns/jscode2session").mock(side_effect=sandbox.respond)
        yield router


@pytest.fixture
def wechat_user(wechat: respx.MockRouter, sandbox: Sandbox) -> Callable[..., WechatUser]:
    def make(phone: str, openid: str | None = None, appid: str = APPID) -> WechatUser:
        return WechatUser(sandbox, openid or "o" + secrets.token_hex(13) + "x", phone, appid)

    return make


@pytest.fixture
def mobile() -> str:
    return f"139{secrets.randbelow(10**8):08d}"
