"""Endpoints of the cron bindings. They run on every replica; a claimed row belongs to one of them."""

from typing import Annotated

from fastapi import APIRouter, Depends

from notification.courier import Couriers
from notification.schemas import Claimed
from servicekit.app import provided
from servicekit.deadletters import DeadLetters
from servicekit.jobs import JobRoute
from servicekit.personal_data import PersonalData

router = APIRouter(include_in_schema=False, route_class=JobRoute)


@router.post("/jobs/notification-due")
async def notification_due(couriers: Annotated[Couriers, Depends(provided(Couriers))]) -> Claimed:
    return Claimed(claimed=await couriers.start_due())


@router.post("/jobs/notification-reapply-dead-letters")
async def reapply_dead_letters(
    letters: Annotated[DeadLetters, Depends(provided(DeadLetters))],
) -> Claimed:
    counts = await letters.reapply()
    return Claimed(claimed=sum(counts.values()))


@router.post("/jobs/notification-forget-personal-data")
async def forget_personal_data(personal: Annotated[PersonalData, Depends(provided(PersonalData))]) -> Claimed:
    """Once a day: what is older than its time."""
    return Claimed(claimed=await personal.forget())
