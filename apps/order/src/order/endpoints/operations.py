"""Endpoints for operators: closings and refunds that do not end. Those for dead letters and outbox are servicekit's."""

from typing import Annotated

from fastapi import APIRouter, Depends

from order.closing import Closing
from order.errors import NoFailedRefund, NotClosing, OrderNotFound
from order.lookup import Lookup
from order.operations_schemas import (
    ClosingAgain,
    ClosingOrders,
    ClosingQuery,
    ConfirmationStatistics,
    ConfirmedStep,
    FailedRefundQuery,
    FailedRefunds,
    RefundAgain,
    RetriedClosing,
)
from order.refunds import Refunds
from order.schemas import OrderState
from order.statistics import Statistics
from servicekit.app import provided
from servicekit.auth import MoneyOperator, Operator
from servicekit.errors import ReauthenticationRequired
from servicekit.problems import declared
from servicekit.schemas import Ok, StatisticsQuery

router = APIRouter(prefix="/order/v1/ops", tags=["operations"])


@router.post("/closingList")
async def list_closing(
    body: ClosingQuery, _: Operator, lookup: Annotated[Lookup, Depends(provided(Lookup))]
) -> Ok[ClosingOrders]:
    """Orders that are being closed and wait for WeChat's answer, newest first; `attempts` counts the requests."""
    return Ok(data=ClosingOrders.of(await lookup.page_of_closing(body.last_id, body.page_size)))


@router.post("/closingRetry", responses=declared(OrderNotFound, NotClosing))
async def retry_closing(
    body: ClosingAgain, operator: Operator, closing: Annotated[Closing, Depends(provided(Closing))]
) -> Ok[RetriedClosing]:
    """Ask WeChat now about an order that is still being closed. Only WeChat's answer ends the closing."""
    return Ok(data=RetriedClosing.of(*await closing.retry(operator.user_id, body.sn, body.note)))


@router.post("/failedRefundList")
async def list_failed_refunds(
    body: FailedRefundQuery, _: Operator, lookup: Annotated[Lookup, Depends(provided(Lookup))]
) -> Ok[FailedRefunds]:
    """Orders whose refund was agreed, failed, and was not requested again, newest first."""
    return Ok(data=FailedRefunds.of(await lookup.page_of_failed_refunds(body.last_id, body.page_size)))


@router.post("/refundAskAgain", responses=declared(OrderNotFound, NoFailedRefund, ReauthenticationRequired))
async def ask_refund_again(
    body: RefundAgain, operator: MoneyOperator, refunds: Annotated[Refunds, Depends(provided(Refunds))]
) -> Ok[OrderState]:
    """Request a failed refund from payment again, for the buyer. Idempotent while the refund is open."""
    return Ok(data=OrderState.of(await refunds.ask_again(operator.user_id, body.sn, body.note)))


@router.post("/confirmationStatistics")
async def show_confirmations(
    body: StatisticsQuery, _: Operator, statistics: Annotated[Statistics, Depends(provided(Statistics))]
) -> Ok[ConfirmationStatistics]:
    """Orders that became paid in the last hours, in steps, and how long that took from WeChat's payment."""
    since, until, found = await statistics.confirmations(body.span, body.step)
    confirmed = [ConfirmedStep.of(each) for each in found]
    return Ok(data=ConfirmationStatistics(since=since, until=until, confirmed=confirmed))
