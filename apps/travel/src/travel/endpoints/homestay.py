"""`/travel/v1/homestay/…`: what can be booked, for anybody."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.schemas import Ok
from travel.homestays import Homestays
from travel.schemas import BusinessListRequest, ById, HomestayDetail, HomestayListRequest, HomestayOut, Listed

router = APIRouter(prefix="/travel/v1/homestay", tags=["homestay"])

TheHomestays = Annotated[Homestays, Depends(provided(Homestays))]


@router.post("/homestayList")
async def list_preferred(body: HomestayListRequest, homestays: TheHomestays) -> Ok[Listed[HomestayOut]]:
    """Homestays that are put forward, by page."""
    return Ok(data=Listed(list=await homestays.preferred(body.page, body.page_size)))


@router.post("/businessList")
async def list_of_shop(body: BusinessListRequest, homestays: TheHomestays) -> Ok[Listed[HomestayOut]]:
    """A shop's homestays, the newest first, below `lastId`."""
    found = await homestays.of_shop(body.homestay_business_id, body.last_id, body.page_size)
    return Ok(data=Listed(list=found))


@router.post("/guessList")
async def list_guesses(homestays: TheHomestays) -> Ok[Listed[HomestayOut]]:
    """The five newest."""
    return Ok(data=Listed(list=await homestays.guesses()))


@router.post("/homestayDetail")
async def show_homestay(body: ById, homestays: TheHomestays) -> Ok[HomestayDetail]:
    return Ok(data=HomestayDetail(homestay=await homestays.detail(body.id)))
