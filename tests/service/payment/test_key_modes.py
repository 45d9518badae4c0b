"""WeChat's keys: certificates old and new, the public key, and both at once during a switch, chosen by serial."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from payment.main import create_app
from payment.wechat import keys
from servicekit.testing import client
from tests.service.payment.conftest import BUYER, secrets_of
from tests.service.payment.test_callback import CALLBACK, JSON, rows
from tests.service.payment.test_checkout import BODY, PREPAY, payments
from tests.service.payment.wechat import SERIAL
from tests.support.async_waiting import eventually

OLD, NEW = "5A" * 20, "6B" * 20
PAIRS = {serial: rsa.generate_private_key(65537, 2048) for serial in (OLD, NEW)}


@pytest.fixture(params=["certificates", "both"])
async def app(request, settings, wechat, tokens, sidecar, monkeypatch):
    """In certificate mode, or with the public key beside the certificates."""
    monkeypatch.setattr(keys, "UNKNOWN_SERIAL_PAUSE_SECONDS", 0.0)
    wechat.certificates, wechat.signs_with = {OLD: PAIRS[OLD]}, OLD
    mode = settings.model_copy(update={} if request.param == "both" else {"wxpay_public_key_id": ""})
    made = create_app(mode, secrets_of(wechat), sidecar=sidecar, verifier=tokens.verifier(), wechat_transport=wechat)
    async with client(made) as http:
        yield http


@pytest.fixture
async def paid(app, tokens, wechat):
    number = (await app.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))).json()["data"]["paymentSn"]
    wechat.pay(number)
    return number


async def deliver(app, wechat, number, **wrong):
    headers, body = wechat.callback(wechat.transaction(number), **wrong)
    return (await app.post(CALLBACK, content=body, headers={**JSON, **headers})).status_code


async def test_the_certificate_of_the_serial_verifies(app, wechat, db, paid):
    assert await deliver(app, wechat, paid) == 204
    assert [row["pay_status"] for row in await payments(db)] == [1]


async def test_during_a_rotation_old_and_new_are_both_believed(app, wechat, db, paid):
    wechat.certificates[NEW] = PAIRS[NEW]

    for serial in (NEW, OLD, NEW):
        wechat.signs_with = serial
        assert await deliver(app, wechat, paid) == 204

    assert len(await rows(db, "payment_transition")) == 1


async def test_a_key_under_another_ones_serial_is_not_believed(app, wechat, db, paid):
    wechat.certificates[NEW] = PAIRS[NEW]

    assert await deliver(app, wechat, paid, **{"Wechatpay-Serial": NEW}) == 401

    assert [row["pay_status"] for row in await payments(db)] == [0]


async def test_the_public_key_is_believed_where_it_is_set(app, wechat, db, paid, request):
    wechat.signs_with = SERIAL

    expected = 204 if "both" in request.node.name else 401
    assert await deliver(app, wechat, paid) == expected


async def test_a_probe_is_refused_and_the_good_one_after_it_settles(app, wechat, db, paid):
    headers, body = wechat.callback(wechat.transaction(paid))
    probe = headers | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]}

    answers = [
        (await app.post(CALLBACK, content=body, headers={**JSON, **each})).status_code for each in (probe, headers)
    ]

    assert answers == [401, 204]
    assert [row["pay_status"] for row in await payments(db)] == [1]


async def test_a_probe_in_an_answer_is_asked_again(app, tokens, wechat, db, monkeypatch):
    truly, probes = wechat.signature_headers, []

    def probing(body, at=None):
        headers = truly(body, at)
        if b"prepay_id" in body and not probes:
            probes.append(body)
            headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]
        return headers

    monkeypatch.setattr(wechat, "signature_headers", probing)

    answer = await app.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))

    assert answer.status_code == 200
    sent = [each.content for each in wechat.requests if each.method == "POST"]
    assert (len(sent), len(set(sent)), len(probes)) == (2, 1, 1)
    assert len(await payments(db)) == 1


async def test_forged_serials_do_not_make_us_ask_wechat_each_time(app, wechat, paid, monkeypatch):
    monkeypatch.setattr(keys, "UNKNOWN_SERIAL_PAUSE_SECONDS", 10.0)
    wechat.requests.clear()

    for number in range(20):
        assert await deliver(app, wechat, paid, **{"Wechatpay-Serial": f"{number:040X}"}) == 401

    assert len(wechat.requests) <= 1


@pytest.fixture
async def hanging(app, wechat, paid, monkeypatch):
    """From here on the certificates are being fetched for a forged serial, and do not come."""
    asked, handle = asyncio.Event(), wechat.handle_async_request

    async def hang(request):
        if request.url.path == "/v3/certificates":
            asked.set()
            await asyncio.Event().wait()
        return await handle(request)

    monkeypatch.setattr(wechat, "handle_async_request", hang)
    first = asyncio.create_task(deliver(app, wechat, paid, **{"Wechatpay-Serial": "F" * 40}))
    await asyncio.wait_for(asked.wait(), 10)
    yield
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def in_flight(app):
    lines = (await app.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("http_requests_in_flight "))


@pytest.mark.usefixtures("hanging")
async def test_forged_serials_never_queue_behind_a_fetch_that_hangs(app, wechat, db, paid):
    async with asyncio.timeout(30):
        for wave in range(3):
            serials = [f"{wave * 100 + number:040X}" for number in range(100)]
            forged = [deliver(app, wechat, paid, **{"Wechatpay-Serial": serial}) for serial in serials]
            assert set(await asyncio.gather(*forged)) == {401}
        assert await in_flight(app) == 1, "the one that fetches"
        assert await deliver(app, wechat, paid) == 204

    assert [row["pay_status"] for row in await payments(db)] == [1]


async def test_a_known_certificate_never_waits_for_its_successor(app, wechat, db, paid, monkeypatch):
    assert await deliver(app, wechat, paid, **{"Wechatpay-Signature": "bm8="}) == 401  # its certificate is known by now
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.0)
    handle, wechat.certificates[NEW] = wechat.handle_async_request, PAIRS[NEW]
    go_on = asyncio.Event()

    async def slow(request):
        if request.url.path == "/v3/certificates":
            await go_on.wait()
        return await handle(request)

    monkeypatch.setattr(wechat, "handle_async_request", slow)
    async with asyncio.timeout(30):
        assert await deliver(app, wechat, paid) == 204
        go_on.set()
        wechat.signs_with = NEW
        await eventually(lambda: _is_believed(app, wechat, paid))


async def _is_believed(app, wechat, number):
    return await deliver(app, wechat, number) == 204
