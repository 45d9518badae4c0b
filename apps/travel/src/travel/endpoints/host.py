"""Endpoints for hosts: `/travel/v1/host/…`. Anyone who is signed in may apply; the rest needs the role merchant, and
concerns what is the host's own: another's is not found."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.auth import CurrentUser, Merchant
from servicekit.errors import Forbidden, InvalidInput, PeerUnavailable
from servicekit.idempotency import IdempotencyInFlight, IdempotencyMismatch, OnceOnly
from servicekit.problems import declared
from servicekit.schemas import Empty, Ok
from travel.errors import (
    AlreadyHost,
    HomestayNotFound,
    LimitsContradict,
    MobileNotProven,
    NightsOutOfRange,
    NotSellable,
    ShopNotFound,
    TooManyHomestays,
)
from travel.host_schemas import (
    Applied,
    Apply,
    CalendarQuery,
    Change,
    ChangeList,
    ChangeQuery,
    DatesSet,
    EditHomestay,
    EditShop,
    HomestayFields,
    HostHomestay,
    HostHomestayDetail,
    HostHomestayList,
    HostMonth,
    HostShopDetail,
    OwnApplication,
    SetDates,
    SetSale,
)
from travel.hosting.applications import Applications
from travel.hosting.calendar import HostCalendar
from travel.hosting.changes import Changes
from travel.hosting.homestays import HostHomestays
from travel.hosting.shops import HostShops
from travel.models import Homestay
from travel.photos import Photos
from travel.schemas import ById, KeysetRequest

router = APIRouter(prefix="/travel/v1/host", tags=["host"])

TheApplications = Annotated[Applications, Depends(provided(Applications))]
TheShops = Annotated[HostShops, Depends(provided(HostShops))]
TheCalendar = Annotated[HostCalendar, Depends(provided(HostCalendar))]
TheHomestays = Annotated[HostHomestays, Depends(provided(HostHomestays))]
ThePhotos = Annotated[Photos, Depends(provided(Photos))]


@router.post(
    "/apply",
    responses=declared(AlreadyHost, MobileNotProven, IdempotencyMismatch, IdempotencyInFlight, PeerUnavailable),
)
async def apply(body: Apply, user: CurrentUser, applications: TheApplications, once: OnceOnly) -> Ok[Applied]:
    """Request to become a host; again before the decision, or after a refusal, replaces what was said."""

    async def send() -> Applied:
        return Applied.of(await applications.apply(user.user_id, body.model_dump()))

    return Ok(data=await once(user.user_id, body, Applied, send))


@router.post("/application")
async def show_application(_body: Empty, user: CurrentUser, applications: TheApplications) -> Ok[OwnApplication]:
    return Ok(data=OwnApplication.of(*await applications.of_user(user.user_id)))


@router.post("/shopDetail", responses=declared(Forbidden, ShopNotFound))
async def show_shop(_body: Empty, host: Merchant, shops: TheShops) -> Ok[HostShopDetail]:
    return Ok(data=HostShopDetail.of(await shops.detail(host.user_id)))


@router.post("/shopEdit", responses=declared(Forbidden, ShopNotFound))
async def edit_shop(body: EditShop, host: Merchant, shops: TheShops) -> Ok[HostShopDetail]:
    return Ok(data=HostShopDetail.of(await shops.edit(host.user_id, body.model_dump())))


@router.post("/homestayList", responses=declared(Forbidden))
async def list_homestays(
    body: KeysetRequest, host: Merchant, homestays: TheHomestays, photos: ThePhotos
) -> Ok[HostHomestayList]:
    """On sale or not, newest first, below `lastId`."""
    found = await homestays.page(host.user_id, body.last_id, body.page_size)
    pictured = await photos.of_homestays([each.id for each in found])
    return Ok(data=HostHomestayList(list=[HostHomestay.of(each, pictured.get(each.id, [])) for each in found]))


@router.post("/homestayDetail", responses=declared(Forbidden, HomestayNotFound))
async def show_homestay(
    body: ById, host: Merchant, homestays: TheHomestays, photos: ThePhotos
) -> Ok[HostHomestayDetail]:
    return Ok(data=await _shown(await homestays.detail(host.user_id, body.id), photos))


@router.post(
    "/homestayCreate",
    responses=declared(
        Forbidden, ShopNotFound, LimitsContradict, TooManyHomestays, IdempotencyMismatch, IdempotencyInFlight
    ),
)
async def create_homestay(
    body: HomestayFields, host: Merchant, homestays: TheHomestays, photos: ThePhotos, once: OnceOnly
) -> Ok[HostHomestayDetail]:
    """It is not on sale until `homestaySetSale`."""

    async def create() -> HostHomestayDetail:
        return await _shown(await homestays.create(host.user_id, once.key, body.values()), photos)

    return Ok(data=await once(host.user_id, body, HostHomestayDetail, create))


@router.post("/homestayEdit", responses=declared(Forbidden, HomestayNotFound, LimitsContradict, NotSellable))
async def edit_homestay(
    body: EditHomestay, host: Merchant, homestays: TheHomestays, photos: ThePhotos
) -> Ok[HostHomestayDetail]:
    """Replaces all members. Orders keep what they were booked with."""
    return Ok(data=await _shown(await homestays.edit(host.user_id, body.id, body.values()), photos))


@router.post("/homestaySetSale", responses=declared(Forbidden, HomestayNotFound, NotSellable))
async def set_sale(body: SetSale, host: Merchant, homestays: TheHomestays, photos: ThePhotos) -> Ok[HostHomestayDetail]:
    """On sale needs a description, a city, stock and an open shop: `missing` names what is not there."""
    return Ok(data=await _shown(await homestays.set_sale(host.user_id, body.id, on_sale=body.on_sale), photos))


@router.post("/calendar", responses=declared(Forbidden, HomestayNotFound))
async def show_calendar(body: CalendarQuery, host: Merchant, calendar: TheCalendar) -> Ok[HostMonth]:
    return Ok(data=HostMonth.of(await calendar.month(host.user_id, body.id, body.first)))


@router.post("/setDates", responses=declared(Forbidden, HomestayNotFound, NightsOutOfRange, InvalidInput))
async def set_dates(body: SetDates, host: Merchant, calendar: TheCalendar) -> Ok[DatesSet]:
    """Prices and closed nights by date, from today on, at most 370 nights at once and 730 days ahead."""
    return Ok(data=DatesSet(nights=await calendar.set_dates(host.user_id, body.id, body.change())))


@router.post("/changeList", responses=declared(Forbidden, HomestayNotFound))
async def list_changes(
    body: ChangeQuery, host: Merchant, changes: Annotated[Changes, Depends(provided(Changes))]
) -> Ok[ChangeList]:
    """What the host changed, newest first, below `lastId`."""
    found = await changes.page(host.user_id, body.homestay_id, body.last_id, body.page_size)
    return Ok(data=ChangeList(list=[Change.of(each) for each in found]))


async def _shown(homestay: Homestay, photos: Photos) -> HostHomestayDetail:
    return HostHomestayDetail.of(homestay, (await photos.of_homestays([homestay.id])).get(homestay.id, []))
