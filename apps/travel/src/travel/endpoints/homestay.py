"""Public endpoints for homestays: `/travel/v1/homestay/…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.problems import declared
from servicekit.schemas import Ok
from travel.availability import Availability
from travel.endpoints.catalogue import CatalogueRoute
from travel.errors import HomestayNotFound
from travel.homestays import Homestays, Rated
from travel.schemas import BusinessListRequest, ById, HomestayDetail, HomestayListRequest, HomestayOut, Listed
from travel.search_schemas import CalendarOut, CalendarRequest, CityOut, FoundHomestay, FoundPage, SearchRequest
from travel.searching import Searching

router = APIRouter(prefix="/travel/v1/homestay", tags=["homestay"], route_class=CatalogueRoute)

TheHomestays = Annotated[Homestays, Depends(provided(Homestays))]
TheSearching = Annotated[Searching, Depends(provided(Searching))]


@router.post("/homestayList")
async def list_preferred(body: HomestayListRequest, homestays: TheHomestays) -> Ok[Listed[HomestayOut]]:
    """Promoted homestays, by page."""
    found = await homestays.preferred(body.page, body.page_size)
    return Ok(data=_listed(found))


@router.post("/businessList")
async def list_of_shop(body: BusinessListRequest, homestays: TheHomestays) -> Ok[Listed[HomestayOut]]:
    """A shop's homestays, newest first, below `lastId`."""
    found = await homestays.of_shop(body.homestay_business_id, body.last_id, body.page_size)
    return Ok(data=_listed(found))


@router.post("/guessList")
async def list_guesses(homestays: TheHomestays) -> Ok[Listed[HomestayOut]]:
    """The five newest homestays."""
    return Ok(data=_listed(await homestays.guesses()))


@router.post("/homestayDetail", responses=declared(HomestayNotFound))
async def show_homestay(body: ById, homestays: TheHomestays) -> Ok[HomestayDetail]:
    return Ok(data=HomestayDetail(homestay=HomestayOut.of(*await homestays.detail(body.id))))


@router.post("/search")
async def search_homestays(body: SearchRequest, searching: TheSearching) -> Ok[FoundPage]:
    """By place, people, price and dates; with dates only what is free, with the price of the stay."""
    found, total = await searching.search(body.criteria, body.page, body.page_size)
    return Ok(data=FoundPage(list=[FoundHomestay.found(each) for each in found], total=total))


@router.post("/cityList")
async def list_cities(searching: TheSearching) -> Ok[Listed[CityOut]]:
    """Where there are homestays on sale, at most 100 cities, the largest first."""
    return Ok(data=Listed(list=[CityOut(city=city, count=count) for city, count in await searching.cities()]))


@router.post("/homestayCalendar", responses=declared(HomestayNotFound))
async def show_calendar(
    body: CalendarRequest, availability: Annotated[Availability, Depends(provided(Availability))]
) -> Ok[CalendarOut]:
    """What is free in a month, and what each night costs."""
    homestay, nights = await availability.month(body.id, body.first)
    return Ok(data=CalendarOut.of(body.month, homestay, nights))


def _listed(found: list[Rated]) -> Listed[HomestayOut]:
    return Listed(list=[HomestayOut.of(*each) for each in found])
