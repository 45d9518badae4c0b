"""Requests and responses of search and calendars. Amounts in fen; nights are dates in Asia/Shanghai."""

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from servicekit.schemas import ApiModel, Day, PageSize, RowId, Text
from travel.free_nights import FreeNight
from travel.models import MOST_NIGHTS, Homestay
from travel.schemas import HomestayOut, Page, require_stay_or_none
from travel.search_repository import Criteria, Sort
from travel.searching import Found

Fen = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]


def _first_of_month(month: str) -> str:
    date.fromisoformat(f"{month}-01")
    return month


Month = Annotated[str, Field(pattern=r"^20\d{2}-\d{2}$", examples=["2026-12"]), AfterValidator(_first_of_month)]


class SearchRequest(ApiModel):
    """`start`, `end`: first night and day of departure, both or neither. `lowFen`, `highFen`: of a night of one unit, at
    the base price or, with dates, on the average of the stay."""

    start: Day | None = None
    end: Day | None = None
    people: Annotated[int, Field(ge=1, le=100, strict=True)] = 1
    city: Annotated[Text, Field(max_length=64)] = ""
    low_fen: Fen | None = None
    high_fen: Fen | None = None
    sort: Sort = Sort.RECOMMENDED
    page: Page = 1
    page_size: PageSize = 10

    @model_validator(mode="after")
    def _a_stay_or_none(self) -> Self:
        require_stay_or_none(self.start, self.end)
        return self

    @property
    def criteria(self) -> Criteria:
        stay = (self.start, self.end) if self.start and self.end else None
        return Criteria(stay, self.people, self.city, self.low_fen, self.high_fen, self.sort)


class FoundHomestay(HomestayOut):
    """`stayTotalFen`: the whole stay of all guests, without food; null without dates."""

    from_fen: int = Field(description="A night of one unit: the base price or, with dates, the average of the stay")
    stay_total_fen: int | None

    @classmethod
    def found(cls, found: Found) -> Self:
        out = HomestayOut.of(*found.rated)
        return cls(**out.model_dump(), from_fen=found.from_fen, stay_total_fen=found.stay_total_fen)


class FoundPage(ApiModel):
    """`total`: how many fit, on all pages."""

    list: list[FoundHomestay]
    total: int


class CityOut(ApiModel):
    city: str
    count: int


class CalendarRequest(ApiModel):
    id: RowId
    month: Month

    @property
    def first(self) -> date:
        return date.fromisoformat(f"{self.month}-01")


class CalendarNight(ApiModel):
    """`free`: rooms or beds that are left; `closed`: not sold, as nights are that are over or too far ahead. `priceFen`: of
    one room or bed."""

    night: date
    price_fen: int
    free: int
    closed: bool


class CalendarOut(ApiModel):
    id: int
    month: str
    min_nights: int
    max_nights: int
    days_ahead: int
    nights: list[CalendarNight]

    @classmethod
    def of(cls, month: str, homestay: Homestay, nights: list[FreeNight]) -> Self:
        return cls(
            id=homestay.id,
            month=month,
            min_nights=homestay.min_nights,
            max_nights=homestay.max_nights,
            days_ahead=homestay.days_ahead,
            nights=[
                CalendarNight(night=each.night, price_fen=each.price_fen, free=each.free, closed=each.closed)
                for each in nights
            ],
        )


class FreeStaysRequest(ApiModel):
    """`units`: rooms, or beds of a homestay that is sold by person."""

    homestay_id: RowId
    start: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
    nights: Annotated[int, Field(ge=1, le=MOST_NIGHTS, strict=True)]
    units: Annotated[int, Field(ge=1, le=100, strict=True)]


class FreeStay(ApiModel):
    """First night and day of departure."""

    start: date
    end: date


class FreeStays(ApiModel):
    stays: list[FreeStay]
