"""The key that signs tokens is replaced while users sign in and other services verify: no valid token is refused."""

import asyncio

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from tests.service.usercenter.conftest import TOTP_KEY, new_key

from servicekit import auth
from servicekit.auth import TokenVerifier
from servicekit.rotation import REFUSED, Rotation
from servicekit.testing import FakeSidecar, called_by, client
from usercenter.main import create_app

PASSWORD = "correct horse battery"


def public(pem: str) -> str:
    key = serialization.load_pem_private_key(pem.encode(), password=None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="module")
def old() -> str:
    return new_key()


@pytest.fixture(scope="module")
def sidecar() -> FakeSidecar:
    return FakeSidecar()


@pytest.fixture
async def http(settings, clock, sidecar, old):
    sidecar.secrets["usercenter"] = {"jwt-private-key": old, "totp-key": TOTP_KEY, "wxma-secret": "s"}
    app = create_app(settings, clock=clock, sidecar=sidecar, held_secrets=dict(sidecar.secrets["usercenter"]))
    async with client(app) as http:
        http.rotation = app.state.provided[Rotation]
        yield http


@pytest.fixture
def store(http, sidecar):
    return sidecar.secrets["usercenter"]


@pytest.fixture
async def token(http, mobile):
    """Signs the same user in, each time anew."""
    body = {"mobile": mobile, "password": PASSWORD}
    assert (await http.post("/usercenter/v1/user/register", json=body)).status_code == 200

    async def sign_in() -> str:
        answer = await http.post("/usercenter/v1/user/login", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["accessToken"]

    return sign_in


def kid(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]


async def published(http) -> list[str]:
    answer = await http.get("/internal/jwks", headers=called_by("order"))
    return [key["kid"] for key in answer.json()["keys"]]


async def test_tokens_of_both_keys_are_verified_while_the_key_is_replaced_under_traffic(
    http, store, token, old, monkeypatch
):
    """Another service looks for keys again only when they are old: it has to know the new one before it is used."""
    monkeypatch.setattr(auth, "ASK_PAUSE_SECONDS", 3600.0)
    now = 0.0

    async def keys():
        return (await http.get("/internal/jwks", headers=called_by("order"))).json()

    elsewhere = TokenVerifier(keys, lambda: now)
    first, new, over, verified = await token(), new_key(), asyncio.Event(), []
    tokens = [first]

    async def traffic():
        while not over.is_set():
            found = [await elsewhere.principal(f"Bearer {each}") for each in tokens]
            verified.extend(each.user_id for each in found)
            await asyncio.sleep(0.01)

    running = asyncio.create_task(traffic())
    store["jwt-next-public-key"] = public(new)
    await http.rotation.check()
    assert await published(http) == [kid(first), *[each for each in await published(http) if each != kid(first)]]
    assert len(await published(http)) == 2
    now += auth.KEYS_TTL_SECONDS + 3601
    await asyncio.sleep(0.05)  # a round of traffic, which fetches the keys

    store.update({"jwt-private-key": new, "jwt-previous-public-key": public(old)})
    del store["jwt-next-public-key"]
    await http.rotation.check()
    second = await token()
    assert kid(second) != kid(first)
    assert await published(http) == [kid(second), kid(first)]
    tokens.append(second)
    seen = len(verified)
    while len(verified) < seen + 20 and not running.done():
        await asyncio.sleep(0.01)
    over.set()
    await running
    assert len(set(verified)) == 1

    del store["jwt-previous-public-key"]
    await http.rotation.check()
    assert await published(http) == [kid(second)]
    answer = await http.post("/usercenter/v1/user/detail", headers={"Authorization": f"Bearer {second}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [{"jwt-private-key": "no key"}, {"wxma-secret": ""}, {"jwt-next-public-key": "no key"}, {"totp-key": "short"}],
)
async def test_what_cannot_be_used_changes_nothing(http, store, token, wrong):
    before = await published(http)
    store.update({"jwt-private-key": new_key()} | wrong)
    await http.rotation.check()
    assert REFUSED._value.get() == 1
    assert await published(http) == before
    assert kid(await token()) == before[0]


async def test_a_store_that_is_away_changes_nothing(http, sidecar, token):
    before = await published(http)
    del sidecar.secrets["usercenter"]
    with pytest.raises(Exception, match="the store is away"):
        await http.rotation.check()
    assert await published(http) == before
    assert kid(await token()) == before[0]
