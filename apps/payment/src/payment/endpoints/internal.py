"""Endpoints for other services, by Dapr invocation only: the sidecar's token guards `/internal/`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.errors import (
    NotRefundable,
    PaymentNotFound,
    RefundExceedsPayment,
    RefundMismatch,
    TooManyRefunds,
    WechatUnavailable,
)
from payment.events import RefundRequested
from payment.paying.closing import Closing
from payment.paying.status import PaymentQueries
from payment.refunding.requests import RefundRequests
from payment.schemas import CloseOutcome, OrderRequest, PaymentAnswer, RefundAnswer, SnRequest
from servicekit import callers, personal_data_api
from servicekit.app import provided
from servicekit.problems import declared

CALLERS: dict[str, set[str]] = {
    "close": {"order"},
    "paymentByOrder": {"order"},
    "paymentBySn": set(),
    "refund": set(),  # order requests refunds by event
    "personalData": {"usercenter"},
    "erasePersonalData": {"usercenter"},
}
router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[callers.only(CALLERS)])
REFUND = declared(PaymentNotFound, NotRefundable, RefundExceedsPayment, TooManyRefunds, RefundMismatch)
Payments = Annotated[PaymentQueries, Depends(provided(PaymentQueries))]


@router.post("/close", responses=declared(WechatUnavailable))
async def close(body: OrderRequest, closing: Annotated[Closing, Depends(provided(Closing))]) -> CloseOutcome:
    """Close the order's open payment. 503 while WeChat's response is missing: retry then."""
    return CloseOutcome.of(await closing.close(body.order_sn))


@router.post("/paymentByOrder", responses=declared(PaymentNotFound))
async def payment_by_order(body: OrderRequest, payments: Payments) -> PaymentAnswer:
    return PaymentAnswer.of(await payments.of_order(body.order_sn))


@router.post("/paymentBySn", responses=declared(PaymentNotFound))
async def payment_by_sn(body: SnRequest, payments: Payments) -> PaymentAnswer:
    return PaymentAnswer.of(await payments.by_sn(body.sn))


@router.post("/refund", responses=REFUND)
async def refund(
    body: RefundRequested, refunds: Annotated[RefundRequests, Depends(provided(RefundRequests))]
) -> RefundAnswer:
    """Request a refund. Idempotent by `requestSn`."""
    return RefundAnswer.model_validate(await refunds.create(body), from_attributes=True)


personal_data_api.add_to(router)
