"""Refunds as the tests of payment ask for them, wait for them and let WeChat end them."""

from uuid import uuid4

import pytest

from servicekit.testing import SIDECAR_HEADERS, called_by
from tests.service.payment.support import ORDER, REFUND_CALLBACK, Service
from tests.support.async_waiting import eventually


@pytest.fixture(name="paid")
async def settled_payment(service, wechat):
    number = await service.settled()
    wechat.requests.clear()
    return number


def request_sn(number=1):
    return f"RFR20261123100000{number:08d}"


async def ask(service: Service, payment_sn, fen=19900, number=1, **changes):
    body = {
        "requestSn": request_sn(number),
        "orderSn": ORDER,
        "paymentSn": payment_sn,
        "refundFen": fen,
        "cause": "buyer",
        "reason": "行程有变",
    }
    return await service.http.post("/internal/refund", json=body | changes, headers=called_by("tests"))


async def hear(service: Service, payment_sn, fen=19900, number=1):
    """Order's event, as the sidecar brings it."""
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "minsu/order",
        "data": {
            "requestSn": request_sn(number),
            "orderSn": ORDER,
            "paymentSn": payment_sn,
            "refundFen": fen,
            "cause": "late-payment",
            "reason": "订单已取消，自动退款",
        },
    }
    answer = await service.http.post("/events/refund-requested", json=event, headers=SIDECAR_HEADERS)
    return answer.json()["status"]


async def tick(service: Service):
    """Whatever waits becomes due, and cron comes."""
    await eventually(lambda: no_refund_is_leased(service), what="the try that was under way has put its refund off")
    service.clock.pass_by(hours=1, minutes=1)
    answer = await service.job("retry-refunds")
    return answer.json()["claimed"]


async def no_refund_is_leased(service: Service):
    """No refund that has not ended is leased."""
    open_ = "state in ('requested', 'accepted', 'abnormal')"
    return not await service.rows(f"refund where {open_} and leased_until is not null")


async def in_state(service: Service, *states):
    """Waits until the refunds, oldest first, have these states."""

    async def reached():
        found = await service.rows("refund order by id")
        return found if tuple(row["state"] for row in found) == states else None

    return await eventually(reached, what=f"refunds {states}")


async def end(service: Service, number, status, path=REFUND_CALLBACK, **changes):
    headers, body = service.wechat.refund_notice(number, status, **changes)
    return await service.deliver(headers, body, path)


async def events(service: Service):
    """What was told of the payments: status, refunded amount and version of each event."""
    told = [row["event"]["data"] for row in await service.rows("outbox order by id")]
    return [(data["payStatus"], data["refundedFen"], data["version"]) for data in told]
