"""Endpoints for operators who look for a payment: find it, see how it went, query WeChat about it now."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.errors import PaymentNotFound, WechatRefusedAct, WechatUnavailable
from payment.inspection_schemas import InspectedPayment, InspectedPayments, PaymentHistory, PaymentQuery, PaymentSearch
from payment.ledger.inspection import Inspection
from payment.paying.inquiry import Inquiry
from payment.schemas import OrderRequest
from servicekit.app import provided
from servicekit.auth import Operator
from servicekit.problems import declared
from servicekit.schemas import Ok

router = APIRouter(prefix="/payment/v1/ops", tags=["operations"])

TheInspection = Annotated[Inspection, Depends(provided(Inspection))]


@router.post("/paymentFind")
async def find_payments(body: PaymentSearch, _: Operator, inspection: TheInspection) -> Ok[InspectedPayments]:
    """The payments of the order that the number belongs to, oldest first. None is an empty list."""
    return Ok(data=InspectedPayments.of(await inspection.find(body.number)))


@router.post("/paymentSteps")
async def list_steps(body: OrderRequest, _: Operator, inspection: TheInspection) -> Ok[PaymentHistory]:
    """What the ledger has of an order's payments, and what happened to them, oldest first: verdicts by source, refunds,
    notices, operators' acts. `paid_at_wechat` and `refunded_at_wechat` are WeChat's times, all others ours."""
    return Ok(data=PaymentHistory.of(await inspection.history(body.order_sn)))


@router.post("/paymentQuery", responses=declared(PaymentNotFound, WechatUnavailable, WechatRefusedAct))
async def query_payment(
    body: PaymentQuery, operator: Operator, inquiry: Annotated[Inquiry, Depends(provided(Inquiry))]
) -> Ok[InspectedPayment]:
    """Query WeChat about a payment now, and settle its verdict as a callback's: for one that was lost. An open payment
    that WeChat calls unpaid after its time limit is closed. Safe to repeat."""
    return Ok(data=InspectedPayment.of(await inquiry.query_now(operator.user_id, body.payment_sn, body.note)))
