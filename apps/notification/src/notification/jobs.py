"""The cron edge. Every replica is called at each tick; rows decide who does what."""

from typing import Annotated

from fastapi import APIRouter, Depends

from notification.courier import Courier
from notification.planning import Planning
from notification.schemas import Claimed
from servicekit.app import provided
from servicekit.deadletters import DeadLetters

router = APIRouter(include_in_schema=False)


@router.post("/jobs/notification-due")
async def notification_due(courier: Annotated[Courier, Depends(provided(Courier))]) -> Claimed:
    return Claimed(claimed=await courier.start_due())


@router.post("/jobs/notification-reapply-dead-letters")
async def reapply_dead_letters(
    letters: Annotated[DeadLetters, Depends(provided(DeadLetters))],
    planning: Annotated[Planning, Depends(provided(Planning))],
) -> Claimed:
    counts = await letters.reapply()
    await planning.forget_old_events()
    return Claimed(claimed=sum(counts.values()))
