"""WeChat's keys and the APIv3 key are replaced while callbacks come: none is refused that WeChat has sent."""

import asyncio

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from payment.wechat.connection import connect
from servicekit import security_log
from servicekit.rotation import REFUSED, Rotation
from servicekit.secrets import BadSecret
from tests.service.payment.support import secrets_of
from tests.service.payment.wechat import API_V3_KEY, SERIAL

NEW, NEW_ID = "n" * 32, "PUB_KEY_ID_0100000002"


@pytest.fixture
def store(sidecar, wechat):
    """What the secret store holds for payment."""
    sidecar.secrets["payment"] = secrets_of(wechat)
    return sidecar.secrets["payment"]


@pytest.fixture
def rotation(service):
    return service.http._transport.app.state.provided[Rotation]


@pytest.fixture
def wechats_key(wechat, monkeypatch):
    """Which APIv3 key is set at WeChat from now on."""
    monkeypatch.setattr(wechat.merchant, "apiv3_key", API_V3_KEY)
    return lambda key: monkeypatch.setattr(wechat.merchant, "apiv3_key", key)


async def deliver(service, number):
    """A notification about the payment, sealed with the key that is set at WeChat now; the status that it is answered."""
    content = service.wechat.transaction(number)
    return (await service.deliver(*service.wechat.callback(content))).status_code


async def test_callbacks_of_either_apiv3_key_settle_while_it_is_replaced_under_traffic(
    service, store, rotation, wechats_key
):
    number = await service.paid()
    rotations = security_log.EVENTS.labels("key_rotated")._value.get()
    statuses, over = [], asyncio.Event()

    async def traffic():
        while not over.is_set():
            statuses.append(await deliver(service, number))
            await asyncio.sleep(0)

    async def some_more():
        seen = len(statuses)
        while len(statuses) < seen + 10:
            await asyncio.sleep(0.005)

    running = asyncio.create_task(traffic())
    await some_more()
    store.update({"wxpay-apiv3-key": NEW, "wxpay-other-apiv3-key": API_V3_KEY})
    await rotation.check()
    await some_more()
    wechats_key(NEW)  # at WeChat's merchant platform
    await some_more()
    wechats_key(API_V3_KEY)  # one that WeChat repeats, as it was sealed before
    await some_more()
    wechats_key(NEW)
    del store["wxpay-other-apiv3-key"]
    await rotation.check()
    await some_more()
    over.set()
    await running
    assert security_log.EVENTS.labels("key_rotated")._value.get() == rotations + 2

    assert set(statuses) == {204}
    assert len(statuses) >= 50
    assert [row["pay_status"] for row in await service.payments()] == [1]
    wechats_key(API_V3_KEY)
    assert await deliver(service, number) == 401, "the window is over"


async def test_a_key_that_cannot_be_used_leaves_the_one_before(service, store, rotation):
    number = await service.paid()
    store["wxpay-apiv3-key"] = "too short"
    await rotation.check()
    assert REFUSED._value.get() == 1
    assert await deliver(service, number) == 204
    store["wxpay-apiv3-key"] = API_V3_KEY
    await rotation.check()
    assert REFUSED._value.get() == 0
    assert await deliver(service, number) == 204


async def test_both_public_keys_of_wechat_are_believed_while_it_replaces_its_own(
    service, settings, store, wechat, clock
):
    new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = new.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    both = settings.model_copy(update={"wxpay_public_key_id": NEW_ID, "wxpay_other_public_key_id": SERIAL})
    held = store | {"wxpay-public-key": pem.decode(), "wxpay-other-public-key": store["wxpay-public-key"]}
    connection = connect(both, held, clock, transport=wechat)
    number = await service.paid()
    headers, body = wechat.notification(number)
    headers = {name.lower(): value for name, value in headers.items()}  # as Starlette gives them
    event, content = await connection.notifications.read(headers, body)
    assert (event, number.encode() in content) == ("TRANSACTION.SUCCESS", True)
    assert await connection.pay.keys.find(NEW_ID) == new.public_key()
    assert await connection.pay.keys.sealing() == (NEW_ID, new.public_key())
    with pytest.raises(BadSecret, match="wxpay-other-public-key is missing"):
        connection.use(store | {"wxpay-apiv3-key": NEW})
    assert (await connection.notifications.read(headers, body))[0] == "TRANSACTION.SUCCESS"
    await connection.close()
