"""Endpoints for buyers: `/order/v1/homestayOrder/…`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends

from order.booking import Booking, BookingRequest
from order.buyer_schemas import (
    BuyersOrders,
    CreateOrder,
    OrderCreated,
    OrderDetail,
    OrderQuote,
    QuoteOrder,
)
from order.closing import Closing
from order.errors import (
    AlreadyPaid,
    HomestayNotFound,
    NightClosed,
    NightFull,
    NoNights,
    NotCancellable,
    NotOnSale,
    NotRefundable,
    OrderNotFound,
    OwnHomestay,
    PriceOutOfRange,
    RefundOutOfRange,
    StartInThePast,
    StartTooFar,
    StayTooLong,
    TooFewNights,
    TooManyPeople,
    TooManyUnpaid,
)
from order.lookup import Lookup
from order.pricing import Stay
from order.quoting import Quoting
from order.refund_schemas import CancelQuote, RefundRequest
from order.refunds import Refunds
from order.schemas import OrderQuery, OrderRef, OrderState
from servicekit.app import provided
from servicekit.auth import CurrentUser
from servicekit.clock import from_unix
from servicekit.errors import PeerUnavailable
from servicekit.idempotency import IdempotencyInFlight, IdempotencyMismatch, OnceOnly
from servicekit.plain_post import PlainPost
from servicekit.problems import declared
from servicekit.schemas import Ok

PREFIX, CREATE = "/order/v1/homestayOrder", "/createHomestayOrder"
router = APIRouter(prefix=PREFIX, tags=["buyer"])
NO_OFFER = (
    StartInThePast,
    StartTooFar,
    NoNights,
    TooFewNights,
    StayTooLong,
    TooManyPeople,
    HomestayNotFound,
    NotOnSale,
    PriceOutOfRange,
)
"""Why a stay has no price: of a quote as of an order."""


@router.post(
    CREATE,
    responses=declared(
        *NO_OFFER,
        NightClosed,
        NightFull,
        OwnHomestay,
        TooManyUnpaid,
        IdempotencyMismatch,
        IdempotencyInFlight,
        PeerUnavailable,
    ),
)
async def create_order(
    body: CreateOrder, user: CurrentUser, once: OnceOnly, booking: Annotated[Booking, Depends(provided(Booking))]
) -> Ok[OrderCreated]:
    create = partial(_create, booking, body, user.user_id, once.key)
    return Ok(data=await once(user.user_id, body, OrderCreated, create))


def creating(booking: Booking) -> PlainPost[CreateOrder, OrderCreated]:
    """`create_order` past FastAPI, which gets what is not plain."""
    return PlainPost(body=CreateOrder, answer=OrderCreated, create=partial(_create, booking))


async def _create(booking: Booking, body: CreateOrder, user_id: int, key: str | None) -> OrderCreated:
    wanted = BookingRequest(
        user_id=user_id,
        homestay_id=body.homestay_id,
        live_start_time=body.live_start_time,
        live_end_time=body.live_end_time,
        live_people_num=body.live_people_num,
        need_food=body.is_food,
        remark=body.remark,
        request_key=key,
    )
    return OrderCreated(order_sn=await booking.create(wanted))


@router.post(
    "/quoteHomestayOrder",
    responses=declared(
        *NO_OFFER,
        PeerUnavailable,
    ),
)
async def quote_order(body: QuoteOrder, quoting: Annotated[Quoting, Depends(provided(Quoting))]) -> Ok[OrderQuote]:
    """What a stay would cost, night by night, and whether it is free. Public; it takes nothing."""
    stay = Stay.between(from_unix(body.live_start_time), from_unix(body.live_end_time))
    quote = await quoting.quote(body.homestay_id, stay, people=body.live_people_num, food=body.is_food)
    return Ok(data=OrderQuote.of(quote))


@router.post("/userHomestayOrderList")
async def list_orders(
    body: OrderQuery, user: CurrentUser, lookup: Annotated[Lookup, Depends(provided(Lookup))]
) -> Ok[BuyersOrders]:
    orders = await lookup.page_of_buyer(user.user_id, body.last_id, body.page_size, body.trade_state)
    return Ok(data=BuyersOrders.of(orders))


@router.post("/userHomestayOrderDetail", responses=declared(OrderNotFound))
async def show_order(
    body: OrderRef, user: CurrentUser, lookup: Annotated[Lookup, Depends(provided(Lookup))]
) -> Ok[OrderDetail]:
    order = await lookup.order(body.sn, user_id=user.user_id)
    pay_type, refunded_at = await lookup.pay_type(order), await lookup.refunded_at(order)
    steps, history = lookup.refund_steps(order), await lookup.timeline(order)
    return Ok(
        data=OrderDetail.with_history(order, pay_type=pay_type, refunded_at=refunded_at, steps=steps, history=history)
    )


@router.post("/cancelHomestayOrder", responses=declared(OrderNotFound, NotCancellable, AlreadyPaid))
async def cancel_order(
    body: OrderRef, user: CurrentUser, closing: Annotated[Closing, Depends(provided(Closing))]
) -> Ok[OrderState]:
    return Ok(data=OrderState.of(await closing.cancel(user.user_id, body.sn)))


@router.post("/quoteCancel", responses=declared(OrderNotFound, NotRefundable))
async def quote_cancel(
    body: OrderRef, user: CurrentUser, lookup: Annotated[Lookup, Depends(provided(Lookup))]
) -> Ok[CancelQuote]:
    """What the buyer of a paid order gets back when they cancel now, and what stays. It changes nothing."""
    return Ok(data=CancelQuote.of(*await lookup.cancellation(user.user_id, body.sn)))


@router.post("/refundHomestayOrder", responses=declared(OrderNotFound, NotRefundable, RefundOutOfRange))
async def ask_refund(
    body: RefundRequest, user: CurrentUser, refunds: Annotated[Refunds, Depends(provided(Refunds))]
) -> Ok[OrderState]:
    """Cancel a paid order: what the policy gives goes back at once, more is for the host to decide."""
    return Ok(data=OrderState.of(await refunds.request(user.user_id, body.sn, body.reason, body.refund_fen)))
