"""Endpoints for other services, by Dapr invocation: `/internal/…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit import callers
from servicekit.app import provided
from servicekit.problems import declared
from travel.errors import HomestayNotFound
from travel.homestays import Homestays
from travel.schemas import HomestaySnapshot, SnapshotRequest

CALLERS = {"homestaySnapshot": {"order"}}
router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[callers.only(CALLERS)])


@router.post("/homestaySnapshot", responses=declared(HomestayNotFound))
async def show_snapshot(
    body: SnapshotRequest, homestays: Annotated[Homestays, Depends(provided(Homestays))]
) -> HomestaySnapshot:
    homestay, on_sale, nights = await homestays.snapshot(body.homestay_id, body.start, body.end)
    return HomestaySnapshot.of(homestay, nights, on_sale=on_sale)
