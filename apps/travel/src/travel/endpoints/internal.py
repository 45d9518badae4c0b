"""Endpoints for other services, by Dapr invocation: `/internal/…`."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from servicekit import callers, personal_data_api
from servicekit.app import provided
from servicekit.errors import PeerUnavailable
from servicekit.problems import declared
from travel.availability import Availability
from travel.calendar_schemas import OfSecret
from travel.errors import CalendarNotFound, HomestayNotFound, PhotoNotFound
from travel.homestays import AskedStay, Homestays
from travel.ical.publishing import CalendarExport
from travel.photo_schemas import PhotoFile
from travel.photos import Photos
from travel.schemas import HomestaySnapshot, HomestaySnapshots, SnapshotRequest, SnapshotsRequest
from travel.search_schemas import FreeStay, FreeStays, FreeStaysRequest

CALLERS = {
    "homestaySnapshot": {"order"},
    "homestaySnapshots": {"order"},
    "freeStays": {"order"},
    "photoFile": {"gateway"},
    "exportedCalendar": {"gateway"},
    "personalData": {"usercenter"},
    "erasePersonalData": {"usercenter"},
}
A_MINUTE = "private, max-age=60"
FOR_EVER = "public, max-age=31536000, immutable"
router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[callers.only(CALLERS)])


@router.post("/homestaySnapshot", responses=declared(HomestayNotFound))
async def show_snapshot(
    body: SnapshotRequest, homestays: Annotated[Homestays, Depends(provided(Homestays))]
) -> HomestaySnapshot:
    homestay, on_sale, nights = await homestays.snapshot(body.homestay_id, body.start, body.end)
    return HomestaySnapshot.of(homestay, nights, on_sale=on_sale)


@router.post("/homestaySnapshots", response_model=HomestaySnapshots)
async def show_snapshots(
    body: SnapshotsRequest, homestays: Annotated[Homestays, Depends(provided(Homestays))]
) -> Response:
    """`homestaySnapshot` of many stays at once, for orders that come at the same time."""
    found = await homestays.snapshots([AskedStay(each.homestay_id, each.start, each.end) for each in body.stays])
    told = [HomestaySnapshot.of(each[0], each[2], on_sale=each[1]) if each else None for each in found]
    # A response of its own: FastAPI would validate each entry a second time.
    answer = HomestaySnapshots(homestays=told).model_dump_json(by_alias=True)
    return Response(answer, media_type="application/json")


@router.post(
    "/photoFile",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}}, **declared(PhotoNotFound, PeerUnavailable)},
)
async def show_photo(body: PhotoFile, photos: Annotated[Photos, Depends(provided(Photos))]) -> Response:
    """A WebP; a key never has another one."""
    content = await photos.file(body.key, body.size)
    etag = f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
    return Response(content, media_type="image/webp", headers={"Cache-Control": FOR_EVER, "ETag": etag})


@router.post("/freeStays", responses=declared(HomestayNotFound))
async def list_free_stays(
    body: FreeStaysRequest, availability: Annotated[Availability, Depends(provided(Availability))]
) -> FreeStays:
    """At most three near `start`, the nearest first."""
    stays = await availability.free_stays(body.homestay_id, body.start, body.nights, body.units)
    return FreeStays(stays=[FreeStay(start=start, end=end) for start, end in stays])


@router.post(
    "/exportedCalendar",
    response_class=Response,
    responses={200: {"content": {"text/calendar": {}}}, **declared(CalendarNotFound)},
)
async def show_calendar(
    body: OfSecret, export: Annotated[CalendarExport, Depends(provided(CalendarExport))]
) -> Response:
    """RFC 5545 text."""
    content = await export.of_secret(body.secret)
    etag = f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
    return Response(content, media_type="text/calendar", headers={"Cache-Control": A_MINUTE, "ETag": etag})


personal_data_api.add_to(router)
