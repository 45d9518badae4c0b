"""Endpoints for operators who look for an order: `/order/v1/ops/orderFind`, `/order/v1/ops/orderSteps`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from order.errors import OrderNotFound
from order.inspection import Inspection
from order.inspection_schemas import InspectedOrder, InspectedOrders, OrderHistory, OrderSearch
from order.schemas import OrderRef
from servicekit.app import provided
from servicekit.auth import Operator
from servicekit.problems import declared
from servicekit.schemas import Ok

router = APIRouter(prefix="/order/v1/ops", tags=["operations"])

TheInspection = Annotated[Inspection, Depends(provided(Inspection))]


@router.post("/orderFind")
async def find_orders(body: OrderSearch, operator: Operator, inspection: TheInspection) -> Ok[InspectedOrders]:
    """Orders by number, buyer or check-in code, newest first, at most 50. None is an empty list. Who
    looked for a buyer or a code, and why, is in the audit."""
    if body.user_id is not None:
        return Ok(data=InspectedOrders.of(await inspection.of_user(operator.user_id, body.user_id, body.note)))
    if body.checkin_code is not None:
        return Ok(
            data=InspectedOrders.of(await inspection.by_checkin_code(operator.user_id, body.checkin_code, body.note))
        )
    return Ok(data=InspectedOrders.of(await inspection.by_sn(body.sn or "")))


@router.post("/orderSteps", responses=declared(OrderNotFound))
async def list_steps(body: OrderRef, _: Operator, inspection: TheInspection) -> Ok[OrderHistory]:
    """The order and what happened to it, oldest first: changes of state, refund requests, operators' acts."""
    order, steps = await inspection.history(body.sn)
    return Ok(data=OrderHistory(order=InspectedOrder.of(order), steps=steps))
