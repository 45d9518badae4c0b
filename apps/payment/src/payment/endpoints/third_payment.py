"""Endpoints for buyers: start a payment, poll its status."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends

from payment.errors import (
    OrderAlreadyPaid,
    OrderNotFound,
    OrderNotPayable,
    PaymentNotFound,
    UnknownServiceType,
    WechatNotLinked,
    WechatRefused,
    WechatUnavailable,
)
from payment.paying.checkout import Checkout
from payment.paying.status import PaymentQueries
from payment.schemas import PrepayAnswer, PrepayRequest, StatusAnswer, StatusRequest
from servicekit.app import provided
from servicekit.auth import CurrentUser
from servicekit.idempotency import OnceOnly
from servicekit.plain_post import PlainPost
from servicekit.problems import declared
from servicekit.schemas import Ok

PREFIX, START = "/payment/v1/thirdPayment", "/thirdPaymentWxPay"
router = APIRouter(prefix=PREFIX, tags=["payment"])


STARTING = declared(
    UnknownServiceType,
    OrderNotFound,
    OrderNotPayable,
    OrderAlreadyPaid,
    WechatNotLinked,
    WechatUnavailable,
    WechatRefused,
)


@router.post(START, responses=STARTING)
async def start_wechat_payment(
    body: PrepayRequest, buyer: CurrentUser, once: OnceOnly, checkout: Annotated[Checkout, Depends(provided(Checkout))]
) -> Ok[PrepayAnswer]:
    """Start the payment of the buyer's order: the parameters of wx.requestPayment. A repeated call returns the same open
    payment with a fresh signature; with the same Idempotency-Key the first response. Charges nothing by itself."""

    start = partial(_start, checkout, body, buyer.user_id)
    return Ok(data=await once(buyer.user_id, body, PrepayAnswer, start))


def starting(checkout: Checkout) -> PlainPost[PrepayRequest, PrepayAnswer]:
    """`start_wechat_payment` past FastAPI, which gets what is not plain."""
    return PlainPost(body=PrepayRequest, answer=PrepayAnswer, create=partial(_start, checkout))


async def _start(checkout: Checkout, body: PrepayRequest, user_id: int, _key: str | None = None) -> PrepayAnswer:
    payment_sn, pay = await checkout.start(user_id, body.order_sn, body.service_type)
    return PrepayAnswer(
        appid=pay["appId"],
        nonce_str=pay["nonceStr"],
        pay_sign=pay["paySign"],
        package=pay["package"],
        timestamp=pay["timeStamp"],
        sign_type=pay["signType"],
        payment_sn=payment_sn,
    )


@router.post("/thirdPaymentStatus", responses=declared(PaymentNotFound))
async def show_status(
    body: StatusRequest, buyer: CurrentUser, payments: Annotated[PaymentQueries, Depends(provided(PaymentQueries))]
) -> Ok[StatusAnswer]:
    """For polling: the status of the payment of the buyer's order. An open payment is queried at WeChat, from three seconds
    after its prepay on and at most once in five seconds; the response takes less than two seconds."""
    return Ok(data=StatusAnswer.of(await payments.status(buyer.user_id, body.order_sn)))
