"""Endpoints for other services, by Dapr invocation; only this service's own sidecar can reach these paths."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from order.errors import OrderNotFound
from order.internal_schemas import (
    Commentable,
    DayPage,
    HomestayNights,
    HomestayNightState,
    InternalOrder,
    InternalOrders,
    InternalSn,
    InternalSnAndUser,
    InternalSns,
    KeptOrders,
    NightsPage,
    Payable,
    Payables,
    UsedOrders,
)
from order.lookup import Lookup
from order.states import TradeState
from servicekit import callers, personal_data_api
from servicekit.app import provided
from servicekit.problems import declared

CALLERS = {
    "payable": {"payment"},
    "payables": {"payment"},
    "orderDetail": {"notification"},
    "orders": {"notification"},
    "usedOrders": {"payment"},
    "keptOrders": {"payment"},
    "commentable": {"travel"},
    "homestayNights": {"travel"},
    "personalData": {"usercenter"},
    "erasePersonalData": {"usercenter"},
}
router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[callers.only(CALLERS)])
Reader = Annotated[Lookup, Depends(provided(Lookup))]


@router.post("/payable", responses=declared(OrderNotFound))
async def payable(body: InternalSn, lookup: Reader) -> Payable:
    order = await lookup.order(body.order_sn)
    return Payable.of(order, payable=lookup.is_payable(order))


@router.post("/payables", response_model=Payables)
async def payables(body: InternalSns, lookup: Reader) -> Response:
    """`payable` of many orders at once, in any order; a number without an order is left out."""
    owed = await lookup.owed(body.order_sns)
    told = Payables(payables=[Payable.of(order, payable=lookup.is_payable(order)) for order in owed])
    # A response of its own: FastAPI would validate each entry a second time.
    return Response(told.model_dump_json(by_alias=True), media_type="application/json")


@router.post("/orderDetail", responses=declared(OrderNotFound))
async def order_detail(body: InternalSn, lookup: Reader) -> InternalOrder:
    order = await lookup.order(body.order_sn)
    return InternalOrder.of(order, refunded_at=await lookup.refunded_at(order), answer_by=lookup.answer_by(order))


@router.post("/orders", response_model=InternalOrders)
async def orders(body: InternalSns, lookup: Reader) -> Response:
    """`orderDetail` of many orders at once, in any order; a number without an order is left out."""
    found = await lookup.told_to_peers(body.order_sns)
    told = InternalOrders(
        orders=[
            InternalOrder.of(order, refunded_at=order.refunded_at, answer_by=lookup.answer_by(order)) for order in found
        ]
    )
    # A response of its own: FastAPI would validate each order a second time, which costs more than the query.
    return Response(told.model_dump_json(by_alias=True), media_type="application/json")


@router.post("/usedOrders")
async def used_orders(body: DayPage, lookup: Reader) -> UsedOrders:
    """The check-ins of a day, for payment's payouts to merchants; `lastId` is the id of the previous page's last row."""
    return UsedOrders.of(await lookup.used_on(body.day, body.last_id, body.page_size))


@router.post("/keptOrders")
async def kept_orders(body: DayPage, lookup: Reader) -> KeptOrders:
    """The orders that became refunded on a day and of which a part stays with the host; as `usedOrders`."""
    return KeptOrders.of(await lookup.kept_on(body.day, body.last_id, body.page_size))


@router.post("/commentable", responses=declared(OrderNotFound))
async def commentable(body: InternalSnAndUser, lookup: Reader) -> Commentable:
    order = await lookup.order(body.order_sn, user_id=body.user_id)
    return Commentable(homestay_id=order.homestay_id, commentable=order.trade_state == TradeState.USED)


@router.post("/homestayNights", response_model=HomestayNights)
async def homestay_nights(body: NightsPage, lookup: Reader) -> Response:
    """By homestay and night, for travel's read model; a night that never was taken is left out."""
    rows = await lookup.nights(body.since, (body.after_homestay_id, body.after_night), body.page_size)
    told = HomestayNights(
        nights=[
            HomestayNightState(
                homestay_id=row.homestay_id, night=row.night, taken=row.taken, stock=row.stock, version=row.version
            )
            for row in rows
        ]
    )
    return Response(told.model_dump_json(by_alias=True), media_type="application/json")


personal_data_api.add_to(router)
