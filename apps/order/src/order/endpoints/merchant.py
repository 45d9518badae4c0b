"""Endpoints for merchants, about the orders of their homestays: `/order/v1/merchant/…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from order.checkin import CheckIn
from order.errors import (
    CodeSpent,
    NoRefundToDecide,
    OrderNotFound,
    RefundOpen,
    StayNotBegun,
    StayOver,
    TooManyWrongCodes,
    UnknownCheckinCode,
)
from order.lookup import Lookup
from order.merchant_schemas import (
    Arrival,
    Arrivals,
    ArrivalsQuery,
    MerchantsOrders,
    MerchantsQuery,
    RefundDecision,
    TypedCode,
)
from order.refunds import Refunds
from order.schemas import OrderState, OrderSummary
from servicekit.app import provided
from servicekit.auth import Merchant
from servicekit.errors import InvalidInput
from servicekit.problems import declared
from servicekit.schemas import Ok

router = APIRouter(prefix="/order/v1/merchant", tags=["merchant"])


@router.post("/orderList")
async def list_orders(
    body: MerchantsQuery, merchant: Merchant, lookup: Annotated[Lookup, Depends(provided(Lookup))]
) -> Ok[MerchantsOrders]:
    orders = await lookup.page_of_merchant(
        merchant.user_id, body.last_id, body.page_size, body.trade_state, refund=body.refund
    )
    return Ok(data=MerchantsOrders.of(orders))


@router.post("/arrivals")
async def list_arrivals(
    body: ArrivalsQuery, merchant: Merchant, lookup: Annotated[Lookup, Depends(provided(Lookup))]
) -> Ok[Arrivals]:
    """Paid orders of own homestays that begin on a day."""
    day, orders = await lookup.arrivals(merchant.user_id, body.day)
    return Ok(data=Arrivals(day=day, rows=[Arrival.of(each) for each in orders]))


@router.post(
    "/verifyTradeCode",
    responses=declared(
        InvalidInput, UnknownCheckinCode, CodeSpent, RefundOpen, StayNotBegun, StayOver, TooManyWrongCodes
    ),
)
async def verify_code(
    body: TypedCode, merchant: Merchant, checkin: Annotated[CheckIn, Depends(provided(CheckIn))]
) -> Ok[OrderSummary]:
    return Ok(data=OrderSummary.of(await checkin.verify(merchant.user_id, body.checkin_code)))


@router.post("/refundDecision", responses=declared(OrderNotFound, NoRefundToDecide))
async def decide_refund(
    body: RefundDecision, merchant: Merchant, refunds: Annotated[Refunds, Depends(provided(Refunds))]
) -> Ok[OrderState]:
    """Agree to a buyer's refund request, or refuse it: then the order can be checked in again."""
    return Ok(data=OrderState.of(await refunds.decide(merchant.user_id, body.sn, agree=body.agree, note=body.note)))
