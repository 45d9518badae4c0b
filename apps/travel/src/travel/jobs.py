"""Endpoints of the cron bindings. They run on every replica and may overlap: a claimed row belongs to one of them."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.deadletters import DeadLetters
from servicekit.jobs import JobRoute
from servicekit.personal_data import PersonalData
from travel.hosting.applications import Applications
from travel.ical.sync import CalendarSync
from travel.night_comparison import NightComparing
from travel.photos import Photos

router = APIRouter(prefix="/jobs", include_in_schema=False, route_class=JobRoute)


@router.post("/travel-approve-hosts")
async def approve_hosts(applications: Annotated[Applications, Depends(provided(Applications))]) -> dict[str, int]:
    return {"claimed": await applications.grant_due()}


@router.post("/travel-fetch-calendars")
async def fetch_calendars(sync: Annotated[CalendarSync, Depends(provided(CalendarSync))]) -> dict[str, int]:
    return {"claimed": await sync.fetch_due()}


@router.post("/travel-delete-photos")
async def delete_photos(photos: Annotated[Photos, Depends(provided(Photos))]) -> dict[str, int]:
    return {"claimed": await photos.delete_due()}


@router.post("/travel-compare-nights")
async def compare_nights(comparing: Annotated[NightComparing, Depends(provided(NightComparing))]) -> dict[str, int]:
    return {"claimed": await comparing.compare_due()}


@router.post("/travel-reapply-dead-letters")
async def reapply_dead_letters(letters: Annotated[DeadLetters, Depends(provided(DeadLetters))]) -> dict[str, int]:
    counts = await letters.reapply()
    return {"claimed": sum(counts.values()), **counts}


@router.post("/travel-forget-personal-data")
async def forget_personal_data(personal: Annotated[PersonalData, Depends(provided(PersonalData))]) -> dict[str, int]:
    """Once a day: what is older than its time."""
    return {"claimed": await personal.forget()}
