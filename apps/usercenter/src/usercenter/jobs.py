"""Cron endpoints: Dapr posts here in every replica; a row that one of them has locked is skipped by the others."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.jobs import JobRoute
from servicekit.personal_data import PersonalData

router = APIRouter(prefix="/jobs", include_in_schema=False, route_class=JobRoute)


@router.post("/usercenter-forget-personal-data")
async def forget_personal_data(personal: Annotated[PersonalData, Depends(provided(PersonalData))]) -> dict[str, int]:
    """Once a day: what is older than its time."""
    return {"claimed": await personal.forget()}
