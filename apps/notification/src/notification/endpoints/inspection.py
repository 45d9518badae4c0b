"""Endpoint for operators who follow an order: what became of the messages about it."""

from typing import Annotated

from fastapi import APIRouter, Depends

from notification.endpoints.operations import shown
from notification.inspection import Inspection
from notification.schemas import MessageHistory, OrderRef
from servicekit.app import provided
from servicekit.auth import Operator
from servicekit.schemas import Ok

router = APIRouter(prefix="/notification/v1/ops", tags=["operations"])


@router.post("/messageSteps")
async def list_steps(
    body: OrderRef, _: Operator, inspection: Annotated[Inspection, Depends(provided(Inspection))]
) -> Ok[MessageHistory]:
    """The messages about an order, and what happened to them, oldest first: planned, each attempt, each change of state."""
    tasks, steps = await inspection.history(body.order_sn)
    return Ok(data=MessageHistory(tasks=[shown(task) for task in tasks], steps=steps))
