"""WeChat's keys: certificates old and new, the public key, and both at once during a switch, chosen by serial."""

import asyncio

import pytest

from payment.wechat import keys
from tests.service.payment.wechat import SERIAL
from tests.support.async_waiting import eventually


@pytest.fixture(params=["certificates", "both"])
async def service(request, serve, wechat, monkeypatch):
    """In certificate mode, or with the public key beside the certificates."""
    monkeypatch.setattr(keys, "UNKNOWN_SERIAL_PAUSE_SECONDS", 0.0)
    wechat.use_certificates()
    async with serve(**({} if request.param == "both" else {"wxpay_public_key_id": ""})) as service:
        yield service


@pytest.fixture
async def paid(service):
    return await service.paid()


async def deliver(service, wechat, number, *, signed_by="", **wrong):
    headers, body = wechat.notification(number, serial=signed_by, **wrong)
    return (await service.deliver(headers, body)).status_code


async def know_the_certificate(service, wechat, number):
    """A callback that is refused, but makes payment fetch the certificate that it names."""
    assert await deliver(service, wechat, number, **{"Wechatpay-Signature": "bm8="}) == 401


async def test_the_certificate_of_the_serial_verifies(service, wechat, paid):
    assert await deliver(service, wechat, paid) == 204
    assert [row["pay_status"] for row in await service.payments()] == [1]


async def test_during_a_rotation_old_and_new_are_both_believed(service, wechat, paid):
    old, new = wechat.merchant.current().serial, wechat.rotate()

    for serial in (new, old, new):
        assert await deliver(service, wechat, paid, signed_by=serial) == 204

    assert len(await service.rows("payment_transition")) == 1


async def test_a_key_under_another_ones_serial_is_not_believed(service, wechat, paid):
    old, new = wechat.merchant.current().serial, wechat.rotate()

    assert await deliver(service, wechat, paid, signed_by=old, **{"Wechatpay-Serial": new}) == 401

    assert [row["pay_status"] for row in await service.payments()] == [0]


async def test_the_public_key_is_believed_where_it_is_set(service, wechat, paid, request):
    expected = 204 if "both" in request.node.name else 401
    assert await deliver(service, wechat, paid, signed_by=SERIAL) == expected


async def test_a_probe_is_refused_and_the_good_one_after_it_settles(service, wechat, paid):
    headers, body = wechat.notification(paid)
    probe = headers | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]}

    answers = [(await service.deliver(each, body)).status_code for each in (probe, headers)]

    assert answers == [401, 204]
    assert [row["pay_status"] for row in await service.payments()] == [1]


async def test_a_probe_in_an_answer_is_asked_again(service, wechat):
    wechat.sim.faults.set("api-signtest", match="/v3/pay/transactions/jsapi", times=1)

    answer = await service.prepay()

    assert answer.status_code == 200
    sent = [each.content for each in wechat.requests if each.method == "POST"]
    assert (len(sent), len(set(sent))) == (2, 1)
    assert "api-signtest" not in {fault["name"] for fault in wechat.sim.faults.active()}
    assert len(await service.payments()) == 1


async def test_forged_serials_do_not_make_us_ask_wechat_each_time(service, wechat, paid, monkeypatch):
    monkeypatch.setattr(keys, "UNKNOWN_SERIAL_PAUSE_SECONDS", 10.0)
    wechat.requests.clear()

    for number in range(20):
        assert await deliver(service, wechat, paid, **{"Wechatpay-Serial": f"{number:040X}"}) == 401

    assert len(wechat.requests) <= 1


@pytest.fixture
async def hanging(service, wechat, paid, monkeypatch):
    """From here on the certificates are being fetched for a forged serial, and do not come."""
    await know_the_certificate(service, wechat, paid)
    asked, handle = asyncio.Event(), wechat.handle_async_request

    async def hang(request):
        if request.url.path == "/v3/certificates":
            asked.set()
            await asyncio.Event().wait()
        return await handle(request)

    monkeypatch.setattr(wechat, "handle_async_request", hang)
    first = asyncio.create_task(deliver(service, wechat, paid, **{"Wechatpay-Serial": "F" * 40}))
    await asyncio.wait_for(asked.wait(), 10)
    yield
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def in_flight(service):
    lines = (await service.http.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("http_requests_in_flight "))


@pytest.mark.usefixtures("hanging")
async def test_forged_serials_never_queue_behind_a_fetch_that_hangs(service, wechat, paid):
    async with asyncio.timeout(30):
        for wave in range(3):
            serials = [f"{wave * 100 + number:040X}" for number in range(100)]
            forged = [deliver(service, wechat, paid, **{"Wechatpay-Serial": serial}) for serial in serials]
            assert set(await asyncio.gather(*forged)) == {401}
        assert await in_flight(service) == 1, "the one that fetches"
        assert await deliver(service, wechat, paid) == 204

    assert [row["pay_status"] for row in await service.payments()] == [1]


async def test_a_known_certificate_never_waits_for_its_successor(service, wechat, paid, monkeypatch):
    await know_the_certificate(service, wechat, paid)
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.0)
    handle, old, new = wechat.handle_async_request, wechat.merchant.current().serial, wechat.rotate()
    go_on = asyncio.Event()

    async def slow(request):
        if request.url.path == "/v3/certificates":
            await go_on.wait()
        return await handle(request)

    monkeypatch.setattr(wechat, "handle_async_request", slow)
    async with asyncio.timeout(30):
        assert await deliver(service, wechat, paid, signed_by=old) == 204
        go_on.set()
        await eventually(lambda: _is_believed(service, wechat, paid, new))


async def _is_believed(service, wechat, number, serial):
    return await deliver(service, wechat, number, signed_by=serial) == 204
