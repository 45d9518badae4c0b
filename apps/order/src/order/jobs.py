"""Endpoints of the cron bindings. They run on every replica and may overlap: a claimed row belongs to one of them."""

from typing import Annotated

from fastapi import APIRouter, Depends

from order.closing import Closing
from order.expiry import Expiry
from servicekit.app import provided
from servicekit.deadletters import DeadLetters
from servicekit.jobs import JobRoute
from servicekit.personal_data import PersonalData

router = APIRouter(prefix="/jobs", include_in_schema=False, route_class=JobRoute)


@router.post("/order-close-unpaid")
async def close_unpaid(closing: Annotated[Closing, Depends(provided(Closing))]) -> dict[str, int]:
    return {"claimed": await closing.close_due()}


@router.post("/order-expire-stays")
async def expire_stays(expiry: Annotated[Expiry, Depends(provided(Expiry))]) -> dict[str, int]:
    return {"claimed": await expiry.end_unanswered() + await expiry.expire_due()}


@router.post("/order-reapply-dead-letters")
async def reapply_dead_letters(letters: Annotated[DeadLetters, Depends(provided(DeadLetters))]) -> dict[str, int]:
    counts = await letters.reapply()
    return {"claimed": sum(counts.values()), **counts}


@router.post("/order-forget-personal-data")
async def forget_personal_data(personal: Annotated[PersonalData, Depends(provided(PersonalData))]) -> dict[str, int]:
    """Once a day: what is older than its time."""
    return {"claimed": await personal.forget()}
