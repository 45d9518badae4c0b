"""For operators alone: what is on its way and does not arrive. Dead letters and the outbox are servicekit's."""

from typing import Annotated

from fastapi import APIRouter, Depends

from order.closing import Closing
from order.lookup import Lookup
from order.schemas import ClosingOrders, ClosingQuery, OrderRef, RetriedClosing
from servicekit.app import provided
from servicekit.auth import Operator
from servicekit.schemas import Ok

router = APIRouter(prefix="/order/v1/ops", tags=["operations"])


@router.post("/closingList")
async def list_closing(
    body: ClosingQuery, _: Operator, lookup: Annotated[Lookup, Depends(provided(Lookup))]
) -> Ok[ClosingOrders]:
    """Orders that wait for WeChat's word on their closing, newest first; `attempts` says how often it was asked for."""
    return Ok(data=ClosingOrders.of(await lookup.page_of_closing(body.last_id, body.page_size)))


@router.post("/closingRetry")
async def retry_closing(
    body: OrderRef, operator: Operator, closing: Annotated[Closing, Depends(provided(Closing))]
) -> Ok[RetriedClosing]:
    """Ask WeChat now about an order that is being closed and does not end. Only WeChat's answer ends it."""
    return Ok(data=RetriedClosing.of(*await closing.retry(operator.user_id, body.sn)))
