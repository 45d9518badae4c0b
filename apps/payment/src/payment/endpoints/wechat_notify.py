"""Callbacks of WeChat Pay (支付成功回调通知, 退款结果通知): verified, decrypted, applied to the ledger.

Responses are in WeChat's format: 204 acknowledges, 4xx and 5xx `{"code":"FAIL"}` make WeChat send the callback again.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import structlog
from fastapi import APIRouter, Response
from prometheus_client import Counter
from pydantic import BaseModel, RootModel, ValidationError

from payment.ledger.payments import Settlement
from payment.ledger.refunds import RefundSettlement
from payment.wechat.errors import InvalidNotification
from payment.wechat.notifications import NotificationReader
from payment.wechat.verdicts import NotJson, RefundNotice, Transaction, parsed
from servicekit.deadlines import within
from servicekit.direct import Receive, Scope, Send
from servicekit.errors import Unavailable
from servicekit.problems import MEDIA_TYPE
from servicekit.telemetry import traces

log = structlog.get_logger()
M = TypeVar("M", bound=BaseModel)
REFUSED = Counter("payment_callbacks_refused_total", "Callbacks that were not believed, by reason", ["reason"])
for _reason in (
    "timestamp",
    "stale",
    "serial",
    "signature",
    "envelope",
    "algorithm",
    "ciphertext",
    "headers",
    "content",
):
    REFUSED.labels(_reason)  # from 0 on: a rate sees the first one
PREFIX = "/payment/v1/thirdPayment"
PAY, REFUND = "/thirdPaymentWxPayCallback", "/thirdPaymentWxRefundCallback"
CALLBACKS = (PREFIX + PAY, PREFIX + REFUND)
ANSWER_SECONDS = 4.0
"""WeChat waits five seconds for a response; the fifth is for the way back through gateway and sidecars."""
REFUND_EVENTS = frozenset({"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"})


class UnreadableContent(Exception):
    """WeChat signed it and it decrypts, but it is no transaction or refund that we can parse."""


@dataclass(kw_only=True, eq=False)
class NotificationEndpoint:
    """Raw ASGI for both paths, served past FastAPI (servicekit/direct.py): its layers cost more than settling a payment.
    The event type decides, not the path. 204 only after the commit of what was applied, or of its review."""

    reader: NotificationReader
    payments: Settlement
    refunds: RefundSettlement

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]  # whole: the gatekeeper has read it
        # Reversed, so that of a header that is there twice the first counts.
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in reversed(scope["headers"])
            if name.startswith(b"wechatpay-")
        }
        try:
            await self._take(headers, body)
        except InvalidNotification as error:
            REFUSED.labels(error.reason).inc()
            log.warning("callback refused", reason=error.reason, client=(scope.get("client") or ("",))[0])
            await _fail(send, 401, "签名验证失败")
        except UnreadableContent as error:
            REFUSED.labels("content").inc()
            log.error("callback is signed, but cannot be read", reason=str(error))
            await _fail(send, 400, "通知内容无法解析")
        except Unavailable as error:
            log.warning("callback must be sent again", reason=str(error))
            await _fail(send, 503, "系统繁忙，请重试", retry_after=error.retry_after)
        else:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def _take(self, headers: dict[str, str], body: bytes) -> None:
        """Raises InvalidNotification for anything that WeChat did not sign for this merchant, UnreadableContent, and
        Unavailable, also when it is not done within `ANSWER_SECONDS`."""
        until = asyncio.get_running_loop().time() + ANSWER_SECONDS
        try:
            async with asyncio.timeout_at(until):
                rest = await self._begin(headers, body)
        except TimeoutError as error:
            raise Unavailable(f"no result within {ANSWER_SECONDS:g} s") from error
        if rest is not None:
            await within(until - asyncio.get_running_loop().time(), rest)

    async def _begin(self, headers: dict[str, str], body: bytes) -> Coroutine[Any, Any, object] | None:
        """Verify and settle; returns what is left to do. Holds no connection of its own, so it ends at once when it is
        cancelled; what is left may hold one, and closing one that does not respond takes time."""
        self.payments.require_room()  # before the signature, which costs more than a refusal
        event_type, content = await self.reader.read(headers, body)
        if event_type == "TRANSACTION.SUCCESS":
            verdict = _content(Transaction, content).verdict("callback")
            traces.note(payment_sn=verdict.out_trade_no)
            applied = await self.payments.apply_together(verdict)
            return self.payments.apply_alone(verdict) if applied is None else None
        if event_type in REFUND_EVENTS:
            refund = _content(RefundNotice, content).verdict("callback")
            traces.note(payment_sn=refund.out_trade_no, refund_sn=refund.out_refund_no)
            return self.refunds.apply(refund)
        _content(RootModel[Any], content)
        log.warning("callback of a kind that has no effect", event_type=event_type[:64])
        return None


class CallbackRefused(BaseModel):
    """What WeChat expects of a refusal; it sends the callback again."""

    code: Literal["FAIL"] = "FAIL"
    message: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": CallbackRefused, "description": "Signed, but cannot be read"},
    401: {"model": CallbackRefused, "description": "Not signed by WeChat for this merchant"},
    503: {
        "model": CallbackRefused,
        "description": "Not settled: WeChat sends it again. A problem where requests find no place",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    },
}
router = APIRouter(prefix=PREFIX, tags=["wechat"], responses=REFUSALS)


@router.post(PAY, status_code=204, response_class=Response)
@router.post(REFUND, status_code=204, response_class=Response)
async def take_notification() -> Response:
    """The event type decides, not the path. 204 only after the commit of what was applied, or of its review."""
    raise AssertionError("NotificationEndpoint serves these paths; the routes stand here for the OpenAPI document")


def _content(model: type[M], content: bytes) -> M:
    """Raises InvalidNotification for what is no JSON, UnreadableContent."""
    try:
        return parsed(model, content)
    except NotJson:
        raise InvalidNotification("ciphertext") from None
    except ValidationError as error:
        first = error.errors()[0]["loc"]
        raise UnreadableContent(f"{error.error_count()} errors, first at {first}") from error


async def _fail(send: Send, status: int, message: str, *, retry_after: int | None = None) -> None:
    body = CallbackRefused(message=message).model_dump_json().encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
