"""Requests and responses. Names and units are the source system's (…Price in yuan, times in unix seconds); new amounts
are in fen."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from order.models import HomestayOrder
from order.pricing import Stay
from order.quoting import Quote
from order.states import RefundState
from servicekit.clock import unix
from servicekit.money import yuan
from servicekit.schemas import ApiModel, LastId, PageSize, RowId, Sn, Text

UnixSeconds = Annotated[int, Field(ge=0, le=4_102_444_800, strict=True, description="unix seconds")]
Trimmed = StringConstraints(strip_whitespace=True)


class QuoteOrder(ApiModel):
    homestay_id: RowId
    is_food: Annotated[bool, Field(strict=True)] = False
    live_start_time: UnixSeconds
    live_end_time: UnixSeconds
    live_people_num: Annotated[int, Field(ge=1, le=10_000, strict=True)]


class NightPrice(ApiModel):
    night: date
    homestay_fen: int
    food_fen: int


class OrderQuote(ApiModel):
    """What a stay would cost, in fen. `fullNight`: the first night that has too little left, null when all are free."""

    nights: list[NightPrice]
    homestay_total_fen: int
    food_total_fen: int
    order_total_fen: int
    full_night: date | None

    @classmethod
    def of(cls, quote: Quote) -> "OrderQuote":
        return cls(
            nights=[
                NightPrice(night=night, homestay_fen=price.homestay_fen, food_fen=price.food_fen)
                for night, price in quote.nights.items()
            ],
            homestay_total_fen=quote.total.homestay_fen,
            food_total_fen=quote.total.food_fen,
            order_total_fen=quote.total.total_fen,
            full_night=quote.full,
        )


class CreateOrder(QuoteOrder):
    remark: Annotated[Text, Trimmed, Field(max_length=256)] = ""


class OrderCreated(ApiModel):
    order_sn: str


class OrderQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20
    trade_state: Literal[-99, -1, 0, 1, 2, 3, 4] = -99


class MerchantsQuery(OrderQuery):
    """`refundState` asked: only orders whose refund request waits for the merchant."""

    refund_state: Literal["any", "asked"] = "any"

    @property
    def refund(self) -> RefundState | None:
        return None if self.refund_state == "any" else RefundState(self.refund_state)


class OrderRef(ApiModel):
    sn: Sn


class RefundRequest(ApiModel):
    sn: Sn
    reason: Annotated[Text, Trimmed, Field(max_length=80)] = ""


class RefundDecision(ApiModel):
    """`note` is shown to the buyer."""

    sn: Sn
    agree: Annotated[bool, Field(strict=True)]
    note: Annotated[Text, Trimmed, Field(max_length=256)] = ""


class TypedCode(ApiModel):
    checkin_code: Annotated[Text, Field(alias="tradeCode", min_length=1, max_length=32)]


class OrderSummary(ApiModel):
    """A row of a list, without the check-in code, which only buyers see. `refundAskTime` is of the open refund. A time
    that has not come is 0."""

    id: int
    sn: str
    order_sn: str
    homestay_id: int
    homestay_business_id: int
    title: str
    sub_title: str
    cover: str
    info: str
    sold_by: Annotated[int, Field(alias="rowType")]
    live_start_date: int
    live_end_date: int
    nights: int
    live_people_num: int
    need_food: bool
    remark: str
    trade_state: int
    closing: bool
    refund_open: bool
    refund_state: str
    refund_reason: str
    refund_note: str
    refund_ask_time: int
    order_total_price: float
    order_total_fen: int
    create_time: int
    close_time: int
    pay_time: int

    @classmethod
    def of(cls, order: HomestayOrder) -> "OrderSummary":
        return cls.model_validate(_summary(order))


class BuyersOrder(OrderSummary):
    checkin_code: Annotated[str, Field(alias="tradeCode")]

    @classmethod
    def of(cls, order: HomestayOrder) -> "BuyersOrder":
        return cls.model_validate(_summary(order) | {"checkin_code": order.checkin_code or ""})


class OrderDetail(BuyersOrder):
    user_id: int
    homestay_user_id: int
    people_num: int
    food_info: str
    food_price: float
    homestay_price: float
    market_homestay_price: float
    food_total_price: float
    homestay_total_price: float
    pay_type: str
    refund_time: int

    @classmethod
    def with_history(cls, order: HomestayOrder, *, pay_type: str, refunded_at: datetime | None) -> "OrderDetail":
        return cls.model_validate(
            _summary(order)
            | {
                "checkin_code": order.checkin_code or "",
                "user_id": order.user_id,
                "homestay_user_id": order.homestay_user_id,
                "people_num": order.people_num,
                "food_info": order.food_info,
                "food_price": yuan(order.food_price_fen),
                "homestay_price": yuan(order.homestay_price_fen),
                "market_homestay_price": yuan(order.market_homestay_price_fen),
                "food_total_price": yuan(order.food_total_fen),
                "homestay_total_price": yuan(order.homestay_total_fen),
                "pay_type": pay_type,
                "refund_time": unix(refunded_at),
            }
        )


class BuyersOrders(ApiModel):
    rows: Annotated[list[BuyersOrder], Field(alias="list")]

    @classmethod
    def of(cls, orders: Sequence[HomestayOrder]) -> "BuyersOrders":
        return cls(rows=[BuyersOrder.of(each) for each in orders])


class MerchantsOrders(ApiModel):
    rows: Annotated[list[OrderSummary], Field(alias="list")]

    @classmethod
    def of(cls, orders: Sequence[HomestayOrder]) -> "MerchantsOrders":
        return cls(rows=[OrderSummary.of(each) for each in orders])


class OrderState(ApiModel):
    """The state of an order after a request. `closing`: it is being closed, WeChat's answer is pending; `refundState`:
    none, asked (the merchant decides), agreed, refused or failed (agreed, but payment could not carry it out)."""

    sn: str
    trade_state: int
    closing: bool
    refund_open: bool
    refund_state: str

    @classmethod
    def of(cls, order: HomestayOrder) -> "OrderState":
        return cls(
            sn=order.sn,
            trade_state=order.trade_state,
            closing=_closing(order),
            refund_open=order.refund_opened_at is not None,
            refund_state=order.refund_state,
        )


class RetriedClosing(ApiModel):
    """The result of a retry; `problem` is why the order is still being closed, null when the closing has ended."""

    sn: str
    trade_state: int
    closing: bool
    problem: str | None

    @classmethod
    def of(cls, order: HomestayOrder, problem: str | None) -> "RetriedClosing":
        return cls(sn=order.sn, trade_state=order.trade_state, closing=_closing(order), problem=problem)


class InternalSn(ApiModel):
    order_sn: Annotated[Text, Field(min_length=1, max_length=32)]


class InternalSns(ApiModel):
    order_sns: Annotated[list[Annotated[Text, Field(min_length=1, max_length=32)]], Field(min_length=1, max_length=500)]


class InternalSnAndUser(InternalSn):
    user_id: RowId


class Payable(ApiModel):
    order_sn: str
    user_id: int
    total_fen: int
    trade_state: int
    payable: bool
    close_at: datetime
    title: str

    @classmethod
    def of(cls, order: HomestayOrder, *, payable: bool) -> "Payable":
        return cls(
            order_sn=order.sn,
            user_id=order.user_id,
            total_fen=order.order_total_fen,
            trade_state=order.trade_state,
            payable=payable,
            close_at=order.close_at.astimezone(UTC),
            title=order.title,
        )


class InternalOrder(ApiModel):
    """An order for other services; by invocation only, because it holds the check-in code. `refundedAt`,
    `refundedFen`: when the complete refund was reported, and its amount. `refundAskedAt`, `refundAnswerBy`: of a
    refund request that the merchant decides (`refundState` asked), when it was made and when it is agreed to
    automatically."""

    sn: str
    user_id: int
    homestay_id: int
    homestay_user_id: int
    title: str
    trade_state: int
    checkin_code: Annotated[str | None, Field(alias="tradeCode")]
    total_fen: int
    live_start_date: date
    live_end_date: date
    pay_time: datetime | None
    payment_sn: str | None
    refunded_at: datetime | None
    refunded_fen: int | None
    refund_state: str
    refund_asked_at: datetime | None
    refund_answer_by: datetime | None
    version: int

    @classmethod
    def of(cls, order: HomestayOrder, *, refunded_at: datetime | None, answer_by: datetime | None) -> "InternalOrder":
        return cls(
            sn=order.sn,
            user_id=order.user_id,
            homestay_id=order.homestay_id,
            homestay_user_id=order.homestay_user_id,
            title=order.title,
            trade_state=order.trade_state,
            checkin_code=order.checkin_code,
            total_fen=order.order_total_fen,
            live_start_date=order.live_start_date,
            live_end_date=order.live_end_date,
            pay_time=order.paid_at.astimezone(UTC) if order.paid_at else None,
            payment_sn=order.payment_sn,
            refunded_at=refunded_at.astimezone(UTC) if refunded_at else None,
            refunded_fen=order.order_total_fen if refunded_at else None,
            refund_state=order.refund_state,
            refund_asked_at=order.refund_opened_at.astimezone(UTC) if answer_by and order.refund_opened_at else None,
            refund_answer_by=answer_by.astimezone(UTC) if answer_by else None,
            version=order.version,
        )


class InternalOrders(ApiModel):
    """Those that exist, in any order."""

    orders: list[InternalOrder]


class Commentable(ApiModel):
    homestay_id: int
    commentable: bool


def _closing(order: HomestayOrder) -> bool:
    return order.trade_state == 0 and order.closing_at is not None


def _summary(order: HomestayOrder) -> dict[str, object]:
    stay = Stay(order.live_start_date, order.live_end_date)
    return {
        "id": order.id,
        "sn": order.sn,
        "order_sn": order.sn,
        "homestay_id": order.homestay_id,
        "homestay_business_id": order.homestay_business_id,
        "title": order.title,
        "sub_title": order.sub_title,
        "cover": order.cover,
        "info": order.info,
        "sold_by": order.sold_by,
        "live_start_date": unix(stay.begins_at),
        "live_end_date": unix(Stay(stay.end, stay.end).begins_at),
        "nights": stay.nights,
        "live_people_num": order.live_people_num,
        "need_food": order.need_food,
        "remark": order.remark,
        "trade_state": order.trade_state,
        "closing": _closing(order),
        "refund_open": order.refund_opened_at is not None,
        "refund_state": order.refund_state,
        "refund_reason": order.refund_reason or "",
        "refund_note": order.refund_note or "",
        "refund_ask_time": unix(order.refund_opened_at),
        "order_total_price": yuan(order.order_total_fen),
        "order_total_fen": order.order_total_fen,
        "create_time": unix(order.created_at),
        "close_time": unix(order.close_at),
        "pay_time": unix(order.paid_at),
    }


class DayPage(ApiModel):
    """`day` is a date in Asia/Shanghai."""

    day: date
    last_id: LastId = 0
    page_size: Annotated[int, Field(ge=1, le=500, strict=True)] = 500


class UsedOrder(ApiModel):
    id: int
    order_sn: str
    homestay_business_id: int
    payment_sn: str
    used_at: datetime


class UsedOrders(ApiModel):
    list: list[UsedOrder]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, datetime, HomestayOrder]]) -> "UsedOrders":
        return cls(
            list=[
                UsedOrder(
                    id=row_id,
                    order_sn=order.sn,
                    homestay_business_id=order.homestay_business_id,
                    payment_sn=order.payment_sn or "",
                    used_at=used_at,
                )
                for row_id, used_at, order in rows
            ]
        )
