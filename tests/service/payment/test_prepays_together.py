"""Prepays that come together share their lookups and their transactions, and no one of them harms another."""

import asyncio
import json

import httpx
import pytest

from payment.ledger import payment_repository
from payment.ledger.prepay_repository import NewPayment
from payment.paying.reservation import Reservations
from servicekit.testing import called_by
from tests.service.payment.support import BODY, PREPAY, parts_of, payable, wechat_of
from tests.service.payment.wechat import OPENID
from tests.support.peers import PublishedPeers

BUYERS = range(1, 9)


@pytest.fixture
def wechat(wechat):
    for user in BUYERS:
        wechat.add_user(f"{OPENID}{user}")
    return wechat


def sn(user: int) -> str:
    return f"HSO20261123093026{user:08d}"


@pytest.fixture
def sidecar():
    """Each buyer has the order of their number."""
    fake = PublishedPeers()
    of = {sn(user): payable(orderSn=sn(user), userId=user, totalFen=19900 + user) for user in BUYERS}
    fake.answers["order", "/internal/payable"] = lambda request: _found(of.get(_asked(request)["orderSn"]))
    fake.answers["order", "/internal/payables"] = lambda request: httpx.Response(
        200, json={"payables": [of[each] for each in _asked(request)["orderSns"] if each in of]}
    )
    fake.answers["usercenter", "/internal/authByUser"] = lambda request: httpx.Response(
        200, json=wechat_of(_asked(request)["userId"], OPENID)
    )
    fake.answers["usercenter", "/internal/openids"] = lambda request: httpx.Response(
        200, json={"openids": [{"userId": each, "openid": f"{OPENID}{each}"} for each in _asked(request)["userIds"]]}
    )
    fake.orders = of
    return fake


def _asked(request):
    return json.loads(request.content)


def _found(answer):
    return httpx.Response(200, json=answer) if answer else httpx.Response(404, json={"code": 103001})


async def together(service, *users, **headers):
    bearers = [service.tokens.bearer(user) for user in users]
    posts = [
        service.http.post(PREPAY, json=BODY | {"orderSn": sn(user)}, headers=bearer | headers)
        for user, bearer in zip(users, bearers, strict=True)
    ]
    return [each.status_code for each in await asyncio.gather(*posts)]


async def test_each_gets_its_own_payment_of_one_call_to_each_peer(service, sidecar, wechat):
    assert await together(service, *BUYERS) == [200] * 8

    rows = await service.payments()
    assert sorted((row["order_sn"], row["user_id"], row["total_fen"]) for row in rows) == [
        (sn(user), user, 19900 + user) for user in BUYERS
    ]
    for row in rows:
        request = json.loads(row["request"])
        assert request["payer"]["openid"] == f"{OPENID}{row['user_id']}"
        assert (request["out_trade_no"], row["prepay_id"]) == (
            row["sn"],
            wechat.prepay_id(row["sn"]),
        )
    assert [path for _, path, _ in sidecar.calls].count("/internal/payables") == 1
    assert [path for _, path, _ in sidecar.calls].count("/internal/openids") == 1


async def test_an_order_that_is_gone_refuses_its_own_prepay_alone(service, sidecar):
    del sidecar.orders[sn(3)]

    assert await together(service, *BUYERS) == [404 if user == 3 else 200 for user in BUYERS]

    assert {row["user_id"] for row in await service.payments()} == set(BUYERS) - {3}


async def test_a_batch_that_the_table_refuses_is_not_stored_and_each_is_tried_alone(service, monkeypatch):
    """A batch with a value at fault (an amount of 0 here, which order never says) writes nothing."""
    reservations = parts_of(service.db).checkout.reservations
    now = service.clock()
    new = [NewPayment(f"PMT{n}", sn(n), n, "homestayOrder", n % 8, "{}", now, now, None, None) for n in BUYERS]

    assert await asyncio.gather(*(reservations.open(each) for each in new)) == [False] * 8
    assert await service.payments() == []

    monkeypatch.setattr(Reservations, "open", _not_together)
    assert await together(service, *BUYERS) == [200] * 8
    assert sorted(row["user_id"] for row in await service.payments()) == list(BUYERS)


async def test_an_order_that_another_transaction_holds_waits_alone(service):
    async with service.db.transaction() as closing:
        await payment_repository.lock_order(closing, sn(3))
        held = asyncio.create_task(together(service, 3))
        assert await together(service, *(set(BUYERS) - {3})) == [200] * 7
        assert {row["user_id"] for row in await service.payments()} == set(BUYERS) - {3}
        assert not held.done()

    assert await held == [200]
    assert sorted(row["user_id"] for row in await service.payments()) == list(BUYERS)


async def _not_together(_reservations, _payment):
    return False


async def test_closed_and_paid_orders_refuse_theirs_and_harm_no_other(service, wechat):
    assert await together(service, 1, 2) == [200, 200]
    await service.http.post("/internal/close", json={"orderSn": sn(1)}, headers=called_by("order"))
    [second] = [row["sn"] for row in await service.payments() if row["user_id"] == 2]
    wechat.pay(second)
    await service.deliver(*wechat.notification(second))

    assert await together(service, *BUYERS) == [409, 409, *[200] * 6]

    assert sorted((row["user_id"], row["pay_status"]) for row in await service.payments()) == [
        (1, -1),
        (2, 1),
        *((user, 0) for user in range(3, 9)),
    ]


async def test_a_second_click_of_all_gets_the_open_payments_again(service, wechat):
    assert await together(service, *BUYERS) == [200] * 8
    first = await service.payments()
    assert await together(service, *BUYERS) == [200] * 8

    assert await service.payments() == first
    assert len([each for each in wechat.requests if each.url.path.endswith("/jsapi")]) == 8
