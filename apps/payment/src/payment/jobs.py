"""Cron edges: Dapr posts here by the clock, in every replica; the work is claimed row by row."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.daily.days import Daily
from payment.daily.payouts import Earnings
from payment.daily.reconciliation import Reconciling
from payment.paying.inquiry import Inquiry
from payment.refunding.submission import Repayment
from servicekit.app import provided
from servicekit.deadletters import DeadLetters

router = APIRouter(prefix="/jobs", include_in_schema=False)


@router.post("/payment-query-open")
async def query_open(inquiry: Annotated[Inquiry, Depends(provided(Inquiry))]) -> dict[str, int]:
    return {"claimed": await inquiry.ask_about_due()}


@router.post("/payment-retry-refunds")
async def retry_refunds(repayment: Annotated[Repayment, Depends(provided(Repayment))]) -> dict[str, int]:
    return {"claimed": await repayment.carry_out_due()}


@router.post("/payment-daily-reconciliation")
async def reconcile(
    reconciling: Annotated[Reconciling, Depends(provided(Reconciling))],
    daily: Annotated[Daily, Depends(provided(Daily))],
) -> dict[str, int]:
    """Write down which days are to be reconciled; the work goes on after the answer."""
    claimed = await reconciling.want_days_due()
    daily.wake()
    return {"claimed": claimed}


@router.post("/payment-daily-settlement")
async def settle(
    earnings: Annotated[Earnings, Depends(provided(Earnings))], daily: Annotated[Daily, Depends(provided(Daily))]
) -> dict[str, int]:
    """Write down which days are to be settled with the merchants; the work goes on after the answer."""
    claimed = await earnings.want_days_due()
    daily.wake()
    return {"claimed": claimed}


@router.post("/payment-reapply-dead-letters")
async def reapply_dead_letters(letters: Annotated[DeadLetters, Depends(provided(DeadLetters))]) -> dict[str, int]:
    return await letters.reapply()
