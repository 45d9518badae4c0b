"""What goes over the wire, bounded. Fields are the source system's; what is ours is marked so."""

from typing import Annotated, Generic, TypeVar

from pydantic import Field, StringConstraints

from servicekit.schemas import ApiModel, LastId, PageSize, RowId, Sn

T = TypeVar("T")
Page = Annotated[int, Field(ge=0, le=100_000, strict=True, description="From 1; 0 is the first as well")]
Star = Annotated[int, Field(ge=1, le=5, strict=True)]
# One set of constraints: behind a validator of its own (servicekit's Text), stripping comes after the length check.
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
    row_type: int = Field(description="0 sells the room, 1 a place in it")
    food_info: str
    food_price: float = Field(description="Yuan for one person and night")
    homestay_price: float = Field(description="Yuan for a night")
    market_homestay_price: float = Field(description="Yuan")
    star: float = Field(description="Ours: the average of its comments, 0 without any")
    comment_num: int = Field(description="Ours")


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


class ShopOut(ApiModel):
    id: int
    title: str
    info: str
    tags: str = Field(description="Comma-separated")
    cover: str
    star: float = Field(description="The average of its homestays' comments")
    is_fav: int = Field(description="Always 0: favourites are not built")
    header_img: str


class ShopListed(ShopOut):
    sell_month: int = Field(description="Always 0: travel does not know of sales")
    person_consume: int = Field(description="The cheapest night for one person, whole yuan rounded up")


class ShopDetail(ApiModel):
    boss: Boss
    homestay_business: ShopOut = Field(description="Ours")


class Stars(ApiModel):
    tidiness: Star
    traffic: Star
    hospitality: Star
    value: Star


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


class AddComment(ApiModel):
    order_sn: Sn
    content: CommentText
    star: Stars


class CommentAdded(ApiModel):
    id: int


class SnapshotRequest(ApiModel):
    homestay_id: RowId


class HomestaySnapshot(ApiModel):
    """What an order keeps of a homestay."""

    id: int
    title: str
    sub_title: str
    cover: str
    info: str
    people_num: int
    row_type: int
    food_info: str
    food_price_fen: int
    homestay_price_fen: int
    market_homestay_price_fen: int
    homestay_business_id: int
    homestay_user_id: int
    on_sale: bool
