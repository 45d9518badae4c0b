"""Endpoints for a homestay's calendars: `/travel/v1/host/…`, of hosts, for their own homestays."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.auth import Merchant
from servicekit.errors import Forbidden
from servicekit.idempotency import IdempotencyInFlight, IdempotencyMismatch, OnceOnly
from servicekit.problems import declared
from servicekit.schemas import Ok
from travel.calendar_schemas import AddImport, CalendarConflicts, CalendarLinks, OfHomestay, RemoveImport
from travel.endpoints.language import Translate
from travel.errors import (
    CalendarAlreadyImported,
    CalendarNotFound,
    CalendarUrlRefused,
    HomestayNotFound,
    TooManyCalendars,
)
from travel.ical.host_calendars import HostCalendars

router = APIRouter(prefix="/travel/v1/host", tags=["host"])

TheCalendars = Annotated[HostCalendars, Depends(provided(HostCalendars))]


@router.post("/calendarLinks", responses=declared(Forbidden, HomestayNotFound))
async def show_links(
    body: OfHomestay, host: Merchant, calendars: TheCalendars, translate: Translate
) -> Ok[CalendarLinks]:
    return Ok(data=CalendarLinks.of(await calendars.links(host.user_id, body.homestay_id), translate))


@router.post("/renewExport", responses=declared(Forbidden, HomestayNotFound))
async def renew_export(
    body: OfHomestay, host: Merchant, calendars: TheCalendars, translate: Translate
) -> Ok[CalendarLinks]:
    """The earlier `exportUrl` is a 404 from now on: other platforms must be given the new one."""
    return Ok(data=CalendarLinks.of(await calendars.renew(host.user_id, body.homestay_id), translate))


@router.post(
    "/addImport",
    responses=declared(
        Forbidden,
        HomestayNotFound,
        CalendarUrlRefused,
        CalendarAlreadyImported,
        TooManyCalendars,
        IdempotencyMismatch,
        IdempotencyInFlight,
    ),
)
async def add_import(
    body: AddImport, host: Merchant, calendars: TheCalendars, translate: Translate, once: OnceOnly
) -> Ok[CalendarLinks]:
    """Fetched within seconds, then every quarter of an hour; what it takes is not sold here."""

    async def add() -> CalendarLinks:
        links = await calendars.add(host.user_id, body.homestay_id, body.name, body.url)
        return CalendarLinks.of(links, translate)

    return Ok(data=await once(host.user_id, body, CalendarLinks, add))


@router.post("/removeImport", responses=declared(Forbidden, HomestayNotFound, CalendarNotFound))
async def remove_import(
    body: RemoveImport, host: Merchant, calendars: TheCalendars, translate: Translate
) -> Ok[CalendarLinks]:
    """What it blocked is sold again."""
    return Ok(data=CalendarLinks.of(await calendars.remove(host.user_id, body.homestay_id, body.id), translate))


@router.post("/conflicts", responses=declared(Forbidden, HomestayNotFound))
async def list_conflicts(body: OfHomestay, host: Merchant, calendars: TheCalendars) -> Ok[CalendarConflicts]:
    """Nights from today on that are sold here and taken by an imported calendar as well."""
    return Ok(data=CalendarConflicts.of(await calendars.conflicts(host.user_id, body.homestay_id)))
