"""Refunds as the tests of payment ask for them, wait for them and let WeChat end them."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from servicekit.testing import SIDECAR_HEADERS, called_by
from tests.service.payment.conftest import BUYER, ORDER
from tests.service.payment.test_callback import CALLBACK, JSON, rows
from tests.service.payment.test_checkout import BODY, PREPAY
from tests.support.async_waiting import eventually

REFUND_CALLBACK = "/payment/v1/thirdPayment/thirdPaymentWxRefundCallback"


@pytest.fixture(name="paid")
async def settled_payment(http, tokens, wechat, db):
    answer = await http.post(PREPAY, json=BODY, headers=tokens.bearer(BUYER))
    number = answer.json()["data"]["paymentSn"]
    wechat.pay(number)
    headers, body = wechat.callback(wechat.transaction(number))
    await http.post(CALLBACK, content=body, headers={**JSON, **headers})
    wechat.requests.clear()
    return number


def request_sn(number=1):
    return f"RFR20261123100000{number:08d}"


async def ask(http, payment_sn, fen=19900, number=1, **changes):
    body = {
        "requestSn": request_sn(number),
        "orderSn": ORDER,
        "paymentSn": payment_sn,
        "refundFen": fen,
        "cause": "buyer",
        "reason": "行程有变",
    }
    return await http.post("/internal/refund", json=body | changes, headers=called_by("tests"))


async def hear(http, payment_sn, fen=19900, number=1):
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
    answer = await http.post("/events/refund-requested", json=event, headers=SIDECAR_HEADERS)
    return answer.json()["status"]


async def tick(http, db):
    """Whatever waits is due now, and cron comes."""
    await eventually(lambda: nobody_is_at_it(db), what="the try that was under way has put its refund off")
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "update refund set due_at = now() - interval '1 second',"
                " sent_elsewhere_at = sent_elsewhere_at - interval '1 minute'"
            )
        )
    answer = await http.post("/jobs/payment-retry-refunds", headers=SIDECAR_HEADERS)
    return answer.json()["claimed"]


async def nobody_is_at_it(db):
    """No refund that has not ended is leased."""
    open_ = "state in ('requested', 'accepted', 'abnormal')"
    return not await rows(db, f"refund where {open_} and leased_until is not null")


async def in_state(db, *states):
    """Waits until the refunds, oldest first, have these states."""

    async def reached():
        found = await rows(db, "refund order by id")
        return found if tuple(row["state"] for row in found) == states else None

    return await eventually(reached, what=f"refunds {states}")


async def end(http, wechat, number, status, path=REFUND_CALLBACK, **changes):
    headers, body = wechat.refund_notice(number, status, **changes)
    return await http.post(path, content=body, headers={**JSON, **headers})


async def events(db):
    return [row["event"]["data"]["payStatus"] for row in await rows(db, "outbox order by id")]
