"""Requests and responses. Fields are the source system's; additions are marked `Ours`."""

import math
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Generic, Self, TypeVar

from pydantic import Field, StringConstraints, model_validator

from servicekit.clock import unix
from servicekit.money import yuan
from servicekit.schemas import ApiModel, Day, LastId, PageSize, RowId, Sn
from travel.models import MOST_NIGHTS, Homestay, HomestayBusiness, HomestayComment, HomestayPhoto
from travel.night_prices import NightOffer
from travel.peers import Profile
from travel.photo_schemas import PhotoOut
from travel.repository import Rating
from travel.shops import Host, ListedShop

T = TypeVar("T")
Page = Annotated[int, Field(ge=0, le=100_000, strict=True, description="From 1; 0 is the first as well")]
Star = Annotated[int, Field(ge=1, le=5, strict=True)]
# One StringConstraints: after another validator (servicekit's Text), stripping would come after the length check.
CommentText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")
]


class HomestayListRequest(ApiModel):
    page: Page = 1
    page_size: PageSize = 10


class KeysetRequest(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 10


class BusinessListRequest(KeysetRequest):
    homestay_business_id: RowId


class CommentListRequest(KeysetRequest):
    homestay_id: RowId | None = Field(None, description="Ours: only of this homestay")


class ById(ApiModel):
    id: RowId


class Listed(ApiModel, Generic[T]):
    list: list[T]


class HomestayOut(ApiModel):
    id: int
    title: str
    sub_title: str
    banner: str = Field(description="Pictures, comma-separated; the first is the cover")
    info: str
    people_num: int
    homestay_business_id: int
    user_id: int
    row_state: int
    sold_by: int = Field(alias="rowType", description="0 sells the room, 1 a place in it")
    stock: int = Field(description="Ours: rooms for each night, or beds when a place is sold")
    food_info: str
    food_price: float = Field(description="Yuan for one person and night")
    homestay_price: float = Field(description="Yuan for a night")
    market_homestay_price: float = Field(description="Yuan")
    city: str = Field(description="Ours")
    weekend_price_fen: int | None = Field(description="Ours: of Friday and Saturday nights; null when not different")
    min_nights: int = Field(description="Ours: the shortest stay")
    max_nights: int = Field(description="Ours: the longest stay")
    days_ahead: int = Field(description="Ours: a stay begins at most so many days from today")
    cancel_policy: str = Field(description="Ours: flexible, moderate or strict")
    star: float = Field(description="Ours: the average of its comments, 0 without any")
    comment_num: int = Field(description="Ours")
    photos: list[PhotoOut] = Field(description="Ours: the first is the cover; `banner` names the same files")

    @classmethod
    def of(cls, homestay: Homestay, rating: Rating, photos: Sequence[HomestayPhoto]) -> Self:
        return cls(
            id=homestay.id,
            title=homestay.title,
            sub_title=homestay.sub_title,
            banner=homestay.banner,
            info=homestay.info,
            people_num=homestay.people_num,
            homestay_business_id=homestay.homestay_business_id,
            user_id=homestay.user_id,
            row_state=homestay.row_state,
            sold_by=homestay.sold_by,
            stock=homestay.stock,
            food_info=homestay.food_info,
            food_price=yuan(homestay.food_price_fen),
            homestay_price=yuan(homestay.homestay_price_fen),
            market_homestay_price=yuan(homestay.market_homestay_price_fen),
            city=homestay.city,
            weekend_price_fen=homestay.weekend_price_fen,
            min_nights=homestay.min_nights,
            max_nights=homestay.max_nights,
            days_ahead=homestay.days_ahead,
            cancel_policy=homestay.cancel_policy,
            star=rating.star,
            comment_num=rating.count,
            photos=[PhotoOut.of(each) for each in photos],
        )


class HomestayDetail(ApiModel):
    homestay: HomestayOut


class Boss(ApiModel):
    id: int
    user_id: int
    nickname: str
    avatar: str
    info: str
    rank: int = Field(description="Place among the good bosses, 0 for none")
    homestay_business_id: int = Field(description="Ours")

    @classmethod
    def of(cls, host: Host, anonymous: str) -> Self:
        return cls(
            id=host.shop.user_id,
            user_id=host.shop.user_id,
            nickname=host.profile.nickname if host.profile else anonymous,
            avatar=host.profile.avatar if host.profile else "",
            info=host.shop.boss_info,
            rank=host.rank,
            homestay_business_id=host.shop.id,
        )


class ShopOut(ApiModel):
    id: int
    title: str
    info: str
    tags: str = Field(description="Comma-separated")
    cover: str
    star: float = Field(description="The average of its homestays' comments")
    is_fav: int = Field(description="Always 0: there are no favourites")
    header_img: str

    @classmethod
    def of(cls, shop: HomestayBusiness, star: float) -> "ShopOut":
        return ShopOut(
            id=shop.id,
            title=shop.title,
            info=shop.info,
            tags=shop.tags,
            cover=shop.cover,
            star=star,
            is_fav=0,
            header_img=shop.header_img,
        )


class ShopListed(ShopOut):
    sell_month: int = Field(description="Always 0: travel has no sales figures")
    person_consume: int = Field(description="The lowest base price of a night for one person, whole yuan rounded up")

    @classmethod
    def listed(cls, shop: ListedShop) -> Self:
        consume = math.ceil(shop.cheapest_fen / 100)
        return cls(**ShopOut.of(shop.shop, shop.star).model_dump(), sell_month=0, person_consume=consume)


class ShopDetail(ApiModel):
    boss: Boss
    homestay_business: ShopOut = Field(description="Ours")


class Stars(ApiModel):
    tidiness: Star
    traffic: Star
    hospitality: Star
    value: Star


def average(stars: Stars) -> float:
    """Exact: a multiple of a quarter."""
    return (stars.tidiness + stars.traffic + stars.hospitality + stars.value) / 4


class CommentOut(ApiModel):
    id: int
    homestay_id: int
    content: str
    star: float = Field(description="The average of `stars`")
    user_id: int
    nickname: str
    avatar: str
    stars: Stars = Field(description="Ours")
    create_time: int = Field(description="Ours: unix seconds")

    @classmethod
    def of(cls, comment: HomestayComment, author: Profile | None, anonymous: str) -> Self:
        stars = Stars(
            tidiness=comment.tidiness, traffic=comment.traffic, hospitality=comment.hospitality, value=comment.value
        )
        return cls(
            id=comment.id,
            homestay_id=comment.homestay_id,
            content=comment.content,
            star=average(stars),
            user_id=comment.user_id,
            nickname=author.nickname if author else anonymous,
            avatar=author.avatar if author else "",
            stars=stars,
            create_time=unix(comment.created_at),
        )


class AddComment(ApiModel):
    order_sn: Sn
    content: CommentText
    star: Stars


class CommentAdded(ApiModel):
    id: int


def require_stay_or_none(start: date | None, end: date | None) -> None:
    """Raises ValueError unless there are both, with 1 to `MOST_NIGHTS` nights between them, or neither."""
    if (start is None) != (end is None):
        raise ValueError("start and end come together")
    if start and end and not 1 <= (end - start).days <= MOST_NIGHTS:
        raise ValueError(f"from 1 to {MOST_NIGHTS} nights")


class SnapshotRequest(ApiModel):
    """`start`, `end`: the first night and the day of departure whose nights are told; both or neither."""

    homestay_id: RowId
    start: Day | None = None
    end: Day | None = None

    @model_validator(mode="after")
    def _a_stay_or_none(self) -> Self:
        require_stay_or_none(self.start, self.end)
        return self


class StayAsked(ApiModel):
    homestay_id: RowId
    start: Day
    end: Day

    @model_validator(mode="after")
    def _has_nights(self) -> Self:
        require_stay_or_none(self.start, self.end)
        return self


class SnapshotsRequest(ApiModel):
    stays: Annotated[list[StayAsked], Field(min_length=1, max_length=100)]


class NightOffered(ApiModel):
    """`priceFen`: of one unit, also of a closed night."""

    night: date
    price_fen: int
    closed: bool


class HomestaySnapshot(ApiModel):
    """A homestay as an order stores it, its stock now, and its offer for the nights that were asked for; prices in fen."""

    id: int
    title: str
    sub_title: str
    cover: str
    info: str
    people_num: int
    sold_by: int = Field(alias="rowType")
    stock: int
    food_info: str
    food_price_fen: int
    homestay_price_fen: int
    market_homestay_price_fen: int
    homestay_business_id: int
    homestay_user_id: int
    on_sale: bool
    min_nights: int
    max_nights: int
    days_ahead: int
    cancel_policy: str
    nights: list[NightOffered]

    @classmethod
    def of(cls, homestay: Homestay, nights: Iterable[NightOffer], *, on_sale: bool) -> Self:
        return cls(
            id=homestay.id,
            title=homestay.title,
            sub_title=homestay.sub_title,
            cover=homestay.banner.split(",")[0].strip(),
            info=homestay.info,
            people_num=homestay.people_num,
            sold_by=homestay.sold_by,
            stock=homestay.stock,
            food_info=homestay.food_info,
            food_price_fen=homestay.food_price_fen,
            homestay_price_fen=homestay.homestay_price_fen,
            market_homestay_price_fen=homestay.market_homestay_price_fen,
            homestay_business_id=homestay.homestay_business_id,
            homestay_user_id=homestay.user_id,
            on_sale=on_sale,
            min_nights=homestay.min_nights,
            max_nights=homestay.max_nights,
            days_ahead=homestay.days_ahead,
            cancel_policy=homestay.cancel_policy,
            nights=[NightOffered(night=n.night, price_fen=n.price_fen, closed=n.closed) for n in nights],
        )


class HomestaySnapshots(ApiModel):
    """At the positions of the stays that were asked for; null where there is no such homestay."""

    homestays: list[HomestaySnapshot | None]
