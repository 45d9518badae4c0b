"""WeChat's callbacks. Answers in WeChat's words: 204 for "taken", 4xx/5xx `{"code":"FAIL"}` for "send it again"."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import Counter

from payment.callbacks import Callbacks, UnreadableContent
from payment.wechat.errors import InvalidNotification
from servicekit.app import provided
from servicekit.deadlines import within
from servicekit.errors import Unavailable

log = structlog.get_logger()
REFUSED = Counter("payment_callbacks_refused_total", "Callbacks that were not believed, by reason", ["reason"])
PREFIX = "/payment/v1/thirdPayment"
PAY, REFUND = "/thirdPaymentWxPayCallback", "/thirdPaymentWxRefundCallback"
CALLBACKS = (PREFIX + PAY, PREFIX + REFUND)
ANSWER_SECONDS = 4.0
"""WeChat waits five for an answer and then takes it for none; the way back through gateway and sidecars has the rest."""
router = APIRouter(prefix=PREFIX, tags=["wechat"])


@router.post(PAY, status_code=204, response_class=Response)
@router.post(REFUND, status_code=204, response_class=Response)
async def take_notification(
    request: Request, callbacks: Annotated[Callbacks, Depends(provided(Callbacks))]
) -> Response:
    """Raw bytes in: the signature is over what was sent, not over what a parser makes of it."""
    try:
        await within(ANSWER_SECONDS, callbacks.take(request.headers, await request.body()))
    except InvalidNotification as error:
        REFUSED.labels(error.reason).inc()
        log.warning("callback refused", reason=error.reason, client=request.client.host if request.client else "")
        return _fail(401, "签名验证失败")
    except UnreadableContent as error:
        REFUSED.labels("content").inc()
        log.error("callback is signed, but cannot be read", reason=str(error))
        return _fail(400, "通知内容无法解析")
    except Unavailable as error:
        log.warning("callback must be sent again", reason=str(error))
        return _fail(503, "系统繁忙，请重试")
    return Response(status_code=204)


def _fail(status: int, message: str) -> JSONResponse:
    return JSONResponse({"code": "FAIL", "message": message}, status_code=status)
