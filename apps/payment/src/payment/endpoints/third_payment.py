"""What a buyer asks of payment."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.paying.checkout import Checkout
from payment.paying.status import PaymentQueries
from payment.schemas import PrepayAnswer, PrepayRequest, StatusAnswer, StatusRequest
from servicekit.app import provided
from servicekit.auth import CurrentUser
from servicekit.idempotency import OnceOnly
from servicekit.schemas import Ok

router = APIRouter(prefix="/payment/v1/thirdPayment", tags=["payment"])


@router.post("/thirdPaymentWxPay")
async def start_wechat_payment(
    body: PrepayRequest, buyer: CurrentUser, once: OnceOnly, checkout: Annotated[Checkout, Depends(provided(Checkout))]
) -> Ok[PrepayAnswer]:
    """Prepay an own order. Asking again gives the same open payment, freshly signed; under one Idempotency-Key the first
    answer itself. Nothing is ever charged by this: WeChat's cashier refuses what is paid or closed."""

    async def start() -> PrepayAnswer:
        payment_sn, pay = await checkout.start(buyer.user_id, body.order_sn, body.service_type)
        return PrepayAnswer(
            appid=pay["appId"],
            nonce_str=pay["nonceStr"],
            pay_sign=pay["paySign"],
            package=pay["package"],
            timestamp=pay["timeStamp"],
            sign_type=pay["signType"],
            payment_sn=payment_sn,
        )

    return Ok(data=await once(buyer.user_id, body, PrepayAnswer, start))


@router.post("/thirdPaymentStatus")
async def show_status(
    body: StatusRequest, buyer: CurrentUser, ledger: Annotated[PaymentQueries, Depends(provided(PaymentQueries))]
) -> Ok[StatusAnswer]:
    """For polling: the backend's word on whether an own order was paid. WeChat is asked about a payment that is open, three
    seconds after its prepay at the earliest and once in five seconds at most; an answer takes less than two seconds."""
    return Ok(data=StatusAnswer.of(await ledger.status(buyer.user_id, body.order_sn)))
