"""Endpoints for operators: payments by state and age, what should end, figures of the last hours."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.overview.overview import Overview
from payment.overview_schemas import (
    PaymentList,
    PaymentQuery,
    PaymentRow,
    PaymentStatistics,
    UnfinishedRow,
    UnfinishedStatus,
)
from servicekit.app import provided
from servicekit.auth import Operator
from servicekit.schemas import Empty, Ok, StatisticsQuery

router = APIRouter(prefix="/payment/v1/ops", tags=["operations"])
Ledger = Annotated[Overview, Depends(provided(Overview))]


@router.post("/paymentList")
async def list_payments(body: PaymentQuery, _: Operator, overview: Ledger) -> Ok[PaymentList]:
    """Payments, newest first, by `payStatus` and age."""
    found = await overview.payments(
        last_id=body.last_id, size=body.page_size, status=body.pay_status, older_than=body.older_than
    )
    return Ok(data=PaymentList(list=[PaymentRow.of(payment) for payment in found]))


@router.post("/unfinishedStatus")
async def show_unfinished(_body: Empty, _: Operator, overview: Ledger) -> Ok[UnfinishedStatus]:
    """How much is in each state that should end, and for how long: open payments, refunds, notices, differences."""
    found = await overview.unfinished()
    return Ok(data=UnfinishedStatus(list=[UnfinishedRow.model_validate(each, from_attributes=True) for each in found]))


@router.post("/paymentStatistics")
async def show_statistics(body: StatisticsQuery, _: Operator, overview: Ledger) -> Ok[PaymentStatistics]:
    """Payments in steps of the last hours, how long settling took, and failures by kind."""
    return Ok(data=PaymentStatistics.of(await overview.statistics(body.span, body.step)))
