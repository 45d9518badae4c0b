"""What other services ask of payment, by invocation alone (the sidecar's token guards `/internal/`)."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.events import RefundRequested
from payment.paying.closing import Closing
from payment.paying.status import PaymentQueries
from payment.refunding.requests import RefundRequests
from payment.schemas import CloseOutcome, OrderRequest, PaymentAnswer, RefundAnswer, SnRequest
from servicekit import callers
from servicekit.app import provided

CALLERS: dict[str, set[str]] = {
    "close": {"order"},
    "paymentByOrder": {"order"},
    "paymentBySn": set(),
    "refund": set(),  # order asks by event
}
router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[callers.only(CALLERS)])
Payments = Annotated[PaymentQueries, Depends(provided(PaymentQueries))]


@router.post("/close")
async def close(body: OrderRequest, closing: Annotated[Closing, Depends(provided(Closing))]) -> CloseOutcome:
    """Close whatever could still pay the order; 503 while WeChat's answer cannot be had, and then to be asked again."""
    return CloseOutcome.of(await closing.close(body.order_sn))


@router.post("/paymentByOrder")
async def payment_by_order(body: OrderRequest, payments: Payments) -> PaymentAnswer:
    return PaymentAnswer.of(await payments.of_order(body.order_sn))


@router.post("/paymentBySn")
async def payment_by_sn(body: SnRequest, payments: Payments) -> PaymentAnswer:
    return PaymentAnswer.of(await payments.by_sn(body.sn))


@router.post("/refund")
async def refund(
    body: RefundRequested, refunds: Annotated[RefundRequests, Depends(provided(RefundRequests))]
) -> RefundAnswer:
    """Give money back. `requestSn` makes it safe to repeat: the same one is the same refund."""
    return RefundAnswer.model_validate(await refunds.create(body), from_attributes=True)
