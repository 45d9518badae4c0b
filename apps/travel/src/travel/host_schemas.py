"""Requests and responses of hosts, and of the operators who approve them. Amounts in fen, times RFC 3339 in UTC."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints
from pydantic.alias_generators import to_camel

from servicekit.schemas import ApiModel, Day, LastId, Note, PageSize, RowId
from travel.hosting.calendar import CalendarNight, DatesChange
from travel.models import (
    MOST_DAYS_AHEAD,
    MOST_NIGHTS,
    UP,
    Homestay,
    HomestayBusiness,
    HomestayPhoto,
    HostApplication,
    HostChange,
)
from travel.night_prices import PriceSource
from travel.photo_schemas import PhotoOut
from travel.states import ApplicationState


def _text(most: int, *, least: int = 0, lines: bool = False) -> StringConstraints:
    """One constraint for all: after another validator, stripping would come after the length check."""
    pattern = r"^[^\x00]*$" if lines else r"^[^\x00-\x1f\x7f]*$"
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most, pattern=pattern)


Name = Annotated[str, _text(32, least=1)]
City = Annotated[str, _text(32)]
Info = Annotated[str, _text(2000, lines=True)]
ShortInfo = Annotated[str, _text(500, lines=True)]
Mobile = Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{9}$"), Field(examples=["13800000001"])]
LARGEST_PRICE_FEN = 10_000_000
Fen = Annotated[int, Field(ge=0, le=LARGEST_PRICE_FEN, strict=True)]
Price = Annotated[int, Field(ge=1, le=LARGEST_PRICE_FEN, strict=True)]
Policy = Annotated[Literal["flexible", "moderate", "strict"], Field(examples=["flexible"])]


class Apply(ApiModel):
    shop_name: Name
    contact_name: Name
    contact_mobile: Mobile
    about: ShortInfo = ""


HostStatus = Literal["none", "waiting", "approved", "refused"]
_STATUS: dict[str, HostStatus] = {
    ApplicationState.WAITING: "waiting",
    ApplicationState.APPROVED: "waiting",  # nothing can be done before the role is granted
    ApplicationState.GRANTED: "approved",
    ApplicationState.REFUSED: "refused",
}


class Applied(ApiModel):
    status: HostStatus

    @classmethod
    def of(cls, application: HostApplication) -> Self:
        return cls(status=_STATUS[application.state])


class OwnApplication(ApiModel):
    """`approved`: the role is granted, and in the next token (`refreshToken`)."""

    status: HostStatus
    shop_name: str
    contact_name: str
    contact_mobile: str
    about: str
    note: str = Field(description="Why an operator refused")

    @classmethod
    def of(cls, application: HostApplication | None, shop: HomestayBusiness | None) -> Self:
        if application is None:
            status: HostStatus = "approved" if shop else "none"
            title = shop.title if shop else ""
            return cls(status=status, shop_name=title, contact_name="", contact_mobile="", about="", note="")
        return cls(
            status=_STATUS[application.state],
            shop_name=application.shop_name,
            contact_name=application.contact_name,
            contact_mobile=application.contact_mobile,
            about=application.about,
            note=application.note,
        )


class EditShop(ApiModel):
    title: Name
    info: Info
    boss_info: ShortInfo
    tags: Annotated[str, _text(100), Field(description="Comma-separated")]


class HostShop(ApiModel):
    id: int
    title: str
    info: str
    boss_info: str
    tags: str
    cover: str
    open: bool


class HostShopDetail(ApiModel):
    shop: HostShop

    @classmethod
    def of(cls, shop: HomestayBusiness) -> Self:
        told = {name: getattr(shop, name) for name in ("id", "title", "info", "boss_info", "tags", "cover")}
        return cls(shop=HostShop(**told, open=shop.row_state == UP))


class HomestayFields(ApiModel):
    """All that a host says of a homestay; prices in fen."""

    title: Name
    sub_title: Annotated[str, _text(64)]
    info: Info
    city: City
    people_num: Annotated[int, Field(ge=1, le=100, strict=True)]
    sold_by: Annotated[int, Field(ge=0, le=1, strict=True, alias="rowType", description="0 sells the room, 1 a place")]
    stock: Annotated[int, Field(ge=0, le=10_000, strict=True, description="Rooms for each night, or beds")]
    homestay_price_fen: Price
    weekend_price_fen: Price | None = Field(description="Of Friday and Saturday nights; null: as the others")
    market_homestay_price_fen: Annotated[Fen, Field(alias="marketPriceFen")]
    food_info: Annotated[str, _text(200)]
    food_price_fen: Annotated[Fen, Field(description="For one person and night")]
    min_nights: Annotated[int, Field(ge=1, le=MOST_NIGHTS, strict=True)]
    max_nights: Annotated[int, Field(ge=1, le=MOST_NIGHTS, strict=True)]
    days_ahead: Annotated[int, Field(ge=1, le=MOST_DAYS_AHEAD, strict=True)]
    cancel_policy: Policy

    def values(self) -> dict[str, Any]:
        """By column."""
        return {name: getattr(self, name) for name in HomestayFields.model_fields}


class EditHomestay(HomestayFields):
    """Replaces all."""

    id: RowId


class SetSale(ApiModel):
    id: RowId
    on_sale: Annotated[bool, Field(strict=True)]


class HostHomestay(HomestayFields):
    id: int
    homestay_business_id: int
    banner: str = Field(description="Pictures, comma-separated; the first is the cover")
    photos: list[PhotoOut]
    on_sale: bool

    @classmethod
    def of(cls, homestay: Homestay, photos: Sequence[HomestayPhoto]) -> "HostHomestay":
        told = {name: getattr(homestay, name) for name in HomestayFields.model_fields}
        return HostHomestay.model_construct(  # a row of before such bounds is shown all the same
            **told,
            id=homestay.id,
            homestay_business_id=homestay.homestay_business_id,
            banner=homestay.banner,
            photos=[PhotoOut.of(each) for each in photos],
            on_sale=homestay.row_state == UP,
        )


class HostHomestayDetail(ApiModel):
    homestay: HostHomestay

    @classmethod
    def of(cls, homestay: Homestay, photos: Sequence[HomestayPhoto]) -> Self:
        return cls(homestay=HostHomestay.of(homestay, photos))


class HostHomestayList(ApiModel):
    list: list[HostHomestay]


Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$"), Field(examples=["2026-12"])]


class CalendarQuery(ApiModel):
    id: RowId
    month: Month

    @property
    def first(self) -> date:
        return date.fromisoformat(f"{self.month}-01")


class HostNight(ApiModel):
    """A date in Asia/Shanghai. `source`: which of the homestay's prices `priceFen` is."""

    night: date
    price_fen: int
    source: PriceSource
    closed: bool = Field(description="By the host")
    taken: int = Field(description="Rooms or beds of `stock` that are sold; may lag by seconds")
    stock: int
    blocked_by: list[str] = Field(description="Names of the foreign calendars that have taken it")


class HostMonth(ApiModel):
    nights: list[HostNight]

    @classmethod
    def of(cls, nights: Sequence[CalendarNight]) -> Self:
        return cls(nights=[HostNight.model_validate(each, from_attributes=True) for each in nights])


class SetDates(ApiModel):
    """The nights with start ≤ night < end. Absent members stay as they are; `priceFen` null: no price of their own;
    `reset`, alone: neither price nor closed."""

    id: RowId
    start: Day
    end: Day
    price_fen: Price | None = None
    closed: Annotated[bool, Field(strict=True)] | None = None
    reset: Annotated[bool, Field(strict=True)] = False

    def change(self) -> DatesChange:
        return DatesChange(
            start=self.start,
            end=self.end,
            sets_price="price_fen" in self.model_fields_set,
            price_fen=self.price_fen,
            closed=self.closed,
            reset=self.reset,
        )


class DatesSet(ApiModel):
    nights: int = Field(description="How many were set")


class ChangeQuery(ApiModel):
    homestay_id: RowId | None = None
    last_id: LastId = 0
    page_size: PageSize = 20


class Change(ApiModel):
    """`before` and `after` hold the members that differ."""

    id: int
    homestay_id: int | None
    action: str
    before: dict[str, Any]
    after: dict[str, Any]
    at: datetime

    @classmethod
    def of(cls, change: HostChange) -> Self:
        return cls(
            id=change.id,
            homestay_id=change.homestay_id,
            action=change.action,
            before=_by_member(change.before),
            after=_by_member(change.after),
            at=change.changed_at.astimezone(UTC),
        )


class ChangeList(ApiModel):
    list: list[Change]


class ApplicationQuery(ApiModel):
    status: Annotated[ApplicationState, Field(examples=["waiting"])] | None = None
    last_id: LastId = 0
    page_size: PageSize = 20


class ApproveHost(ApiModel):
    id: RowId
    note: Note


class RefuseHost(ApiModel):
    id: RowId
    note: Note


class Application(ApiModel):
    """`status` approved: usercenter has not granted the role yet, `problem` says why; granted: done."""

    id: int
    user_id: int
    shop_name: str
    contact_name: str
    contact_mobile: str
    about: str
    status: ApplicationState
    note: str
    problem: str | None
    applied_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, application: HostApplication) -> Self:
        same = ("id", "user_id", "shop_name", "contact_name", "contact_mobile", "about", "note", "problem")
        decided = application.decided_at
        return cls(
            **{name: getattr(application, name) for name in same},
            status=ApplicationState(application.state),
            applied_at=application.applied_at.astimezone(UTC),
            decided_at=decided.astimezone(UTC) if decided else None,
        )


class ApplicationList(ApiModel):
    list: list[Application]


def _by_member(values: dict[str, Any]) -> dict[str, Any]:
    """From columns to the members of requests."""
    aliases = {name: field.alias for name, field in HomestayFields.model_fields.items()}
    return {aliases.get(name) or to_camel(name): value for name, value in values.items()}
