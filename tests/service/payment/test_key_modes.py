"""WeChat's keys: certificates old and new, the public key, and both at once during a switch, chosen by serial."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from payment.main import create_app
from payment.wechat import keys
from servicekit.testing import client
from tests.service.payment.conftest import BUYER, secrets_of
from tests.service.payment.test_callback import CALLBACK, JSON, rows
from tests.service.payment.test_checkout import BODY, PREPAY, payments
from tests.service.payment.wechat import SERIAL

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
