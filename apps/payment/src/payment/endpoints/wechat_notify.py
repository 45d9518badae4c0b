"""Callbacks of WeChat Pay (支付成功回调通知, 退款结果通知): verified, decrypted, applied to the ledger.

Responses are in WeChat's format: 204 acknowledges, 4xx and 5xx `{"code":"FAIL"}` make WeChat send the callback again.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import Counter
from pydantic import BaseModel, ValidationError

from payment.ledger.payments import Settlement
from payment.ledger.refunds import RefundSettlement
from payment.wechat.errors import InvalidNotification
from payment.wechat.notifications import NotificationReader
from payment.wechat.verdicts import RefundNotice, Transaction
from servicekit.app import provided
from servicekit.deadlines import within
from servicekit.errors import Unavailable

log = structlog.get_logger()
M = TypeVar("M", bound=BaseModel)
REFUSED = Counter("payment_callbacks_refused_total", "Callbacks that were not believed, by reason", ["reason"])
PREFIX = "/payment/v1/thirdPayment"
PAY, REFUND = "/thirdPaymentWxPayCallback", "/thirdPaymentWxRefundCallback"
CALLBACKS = (PREFIX + PAY, PREFIX + REFUND)
ANSWER_SECONDS = 4.0
"""WeChat waits five seconds for a response; the fifth is for the way back through gateway and sidecars."""
REFUND_EVENTS = frozenset({"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"})


class UnreadableContent(Exception):
    """WeChat signed it and it decrypts, but it is no transaction or refund that we can parse."""


class NotificationRoute(APIRoute):
    """Bounds a callback to `ANSWER_SECONDS` and turns errors, also those of dependencies, into WeChat's format."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def respond(request: Request) -> Response:
            await request.body()  # bounded by the server; the seconds count from when it is here
            try:
                return await within(ANSWER_SECONDS, handle(request))
            except InvalidNotification as error:
                REFUSED.labels(error.reason).inc()
                log.warning(
                    "callback refused", reason=error.reason, client=request.client.host if request.client else ""
                )
                return _fail(401, "签名验证失败")
            except UnreadableContent as error:
                REFUSED.labels("content").inc()
                log.error("callback is signed, but cannot be read", reason=str(error))
                return _fail(400, "通知内容无法解析")
            except Unavailable as error:
                log.warning("callback must be sent again", reason=str(error))
                return _fail(503, "系统繁忙，请重试")

        return respond


@dataclass(frozen=True)
class VerifiedNotification:
    """A callback whose signature is WeChat's: its event type and its decrypted content (any JSON value)."""

    event_type: str
    content: Any

    def parsed(self, model: type[M]) -> M:
        """Raises UnreadableContent."""
        try:
            return model.model_validate(self.content)
        except ValidationError as error:
            first = error.errors()[0]["loc"]
            raise UnreadableContent(f"{error.error_count()} errors, first at {first}") from error


async def verified(
    request: Request, reader: Annotated[NotificationReader, Depends(provided(NotificationReader))]
) -> VerifiedNotification:
    """Dependency: the request's notification. The signature covers the raw bytes, so nothing else may parse the body.

    Raises InvalidNotification for anything that WeChat did not sign for this merchant.
    """
    notification, content = await reader.read(request.headers, await request.body())
    return VerifiedNotification(notification.event_type, content)


router = APIRouter(prefix=PREFIX, tags=["wechat"], route_class=NotificationRoute)


@router.post(PAY, status_code=204, response_class=Response)
@router.post(REFUND, status_code=204, response_class=Response)
async def take_notification(
    notification: Annotated[VerifiedNotification, Depends(verified)],
    payments: Annotated[Settlement, Depends(provided(Settlement))],
    refunds: Annotated[RefundSettlement, Depends(provided(RefundSettlement))],
) -> Response:
    """The event type decides, not the path. 204 only after the commit of what was applied, or of its review."""
    if notification.event_type == "TRANSACTION.SUCCESS":
        await payments.apply(notification.parsed(Transaction).verdict("callback"))
    elif notification.event_type in REFUND_EVENTS:
        await refunds.apply(notification.parsed(RefundNotice).verdict("callback"))
    else:
        log.warning("callback of a kind that has no effect", event_type=notification.event_type[:64])
    return Response(status_code=204)


def _fail(status: int, message: str) -> JSONResponse:
    return JSONResponse({"code": "FAIL", "message": message}, status_code=status)
