"""Endpoints for merchants, about the orders of their homestays: `/order/v1/merchant/…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from order.checkin import CheckIn
from order.errors import (
    CodeSpent,
    NoRefundToDecide,
    NothingKept,
    OrderNotFound,
    RefundOpen,
    RefundOutOfRange,
    RefundUnderWay,
    StayNotBegun,
    StayOver,
    TooManyWrongCodes,
    UnknownCheckinCode,
)
from order.goodwill import Goodwill
from order.lookup import Lookup
from order.merchant_schemas import (
    Arrival,
    Arrivals,
    ArrivalsQuery,
    MerchantsOrders,
    MerchantsQuery,
    TypedCode,
)
from order.refund_schemas import RefundDecision, RefundGiven, RefundMore
from order.refunds import Refunds
from order.schemas import OrderState, OrderSummary
from servicekit.app import provided
from servicekit.auth import Merchant
from servicekit.errors import InvalidInput
from servicekit.idempotency import IdempotencyInFlight, IdempotencyMismatch, OnceOnly
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


@router.post("/refundDecision", responses=declared(OrderNotFound, NoRefundToDecide, RefundOutOfRange))
async def decide_refund(
    body: RefundDecision, merchant: Merchant, refunds: Annotated[Refunds, Depends(provided(Refunds))]
) -> Ok[OrderState]:
    """Agree to a buyer's refund request, or refuse it: then the order can be checked in again."""
    order = await refunds.decide(
        merchant.user_id, body.sn, agree=body.agree, note=body.note, refund_fen=body.refund_fen
    )
    return Ok(data=OrderState.of(order))


@router.post(
    "/refundMore",
    responses=declared(
        OrderNotFound, NothingKept, RefundOutOfRange, RefundUnderWay, IdempotencyMismatch, IdempotencyInFlight
    ),
)
async def refund_more(
    body: RefundMore, merchant: Merchant, once: OnceOnly, goodwill: Annotated[Goodwill, Depends(provided(Goodwill))]
) -> Ok[RefundGiven]:
    """Give back more of an order that is over, out of what was kept."""

    async def give() -> RefundGiven:
        order = await goodwill.give(merchant.user_id, body.sn, body.refund_fen, note=body.note, request_key=once.key)
        return RefundGiven.of(order, body.refund_fen)

    return Ok(data=await once(merchant.user_id, body, RefundGiven, give))
