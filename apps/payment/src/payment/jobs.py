"""Cron endpoints: Dapr posts here in every replica; each piece of work is claimed by one of them, row by row."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.daily.days import Daily
from payment.daily.payouts import Payouts
from payment.daily.reconciliation import Reconciler
from payment.paying.inquiry import Inquiry
from payment.refunding.submission import RefundSubmission
from servicekit.app import provided
from servicekit.deadletters import DeadLetters
from servicekit.jobs import JobRoute
from servicekit.personal_data import PersonalData

router = APIRouter(prefix="/jobs", include_in_schema=False, route_class=JobRoute)


@router.post("/payment-query-open")
async def query_open(inquiry: Annotated[Inquiry, Depends(provided(Inquiry))]) -> dict[str, int]:
    return {"claimed": await inquiry.poll_due()}


@router.post("/payment-retry-refunds")
async def retry_refunds(submission: Annotated[RefundSubmission, Depends(provided(RefundSubmission))]) -> dict[str, int]:
    return {"claimed": await submission.submit_due()}


@router.post("/payment-daily-reconciliation")
async def reconcile(
    reconciler: Annotated[Reconciler, Depends(provided(Reconciler))],
    daily: Annotated[Daily, Depends(provided(Daily))],
) -> dict[str, int]:
    """Schedule the days that are due for reconciliation; they run in the background."""
    claimed = await reconciler.schedule_due_days()
    daily.wake()
    return {"claimed": claimed}


@router.post("/payment-daily-payouts")
async def pay_out(
    payouts: Annotated[Payouts, Depends(provided(Payouts))], daily: Annotated[Daily, Depends(provided(Daily))]
) -> dict[str, int]:
    """Schedule the days whose payouts are due; they are computed in the background."""
    claimed = await payouts.schedule_due_days()
    daily.wake()
    return {"claimed": claimed}


@router.post("/payment-reapply-dead-letters")
async def reapply_dead_letters(letters: Annotated[DeadLetters, Depends(provided(DeadLetters))]) -> dict[str, int]:
    counts = await letters.reapply()
    return {"claimed": sum(counts.values()), **counts}


@router.post("/payment-forget-personal-data")
async def forget_personal_data(personal: Annotated[PersonalData, Depends(provided(PersonalData))]) -> dict[str, int]:
    """Once a day: what is older than its time."""
    return {"claimed": await personal.forget()}
