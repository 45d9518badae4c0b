"""Requests and responses of buyers. Names and units are the source system's (…Price in yuan, times in unix seconds); new
amounts are in fen.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from order import cancelling
from order.cancelling import CancelPolicy
from order.models import HomestayOrder
from order.quoting import Quote
from order.refund_schemas import RefundStep, TimelineEntry
from order.schemas import OrderSummary, Trimmed, summary
from order.timeline import Entry
from servicekit.clock import unix
from servicekit.money import yuan
from servicekit.schemas import ApiModel, RowId, Text

UnixSeconds = Annotated[int, Field(ge=0, le=4_102_444_800, strict=True, description="unix seconds")]


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


class FreeStay(ApiModel):
    """First night and day of departure, as dates in Asia/Shanghai."""

    start: date
    end: date


class OrderQuote(ApiModel):
    """What a stay would cost, in fen. `fullNight`: the first night that has too little left, `closedNight`: the first that
    is not sold; null when there is none. An order for such nights is refused. `cancelPolicy`: the homestay's now;
    `refundSteps`: what would go back until when.
    `nearest`: at most three stays as long nearby that are free, when this one is not; the nearest first."""

    nights: list[NightPrice]
    homestay_total_fen: int
    food_total_fen: int
    order_total_fen: int
    full_night: date | None
    closed_night: date | None
    cancel_policy: CancelPolicy
    refund_steps: list[RefundStep]
    nearest: list[FreeStay]

    @classmethod
    def of(cls, quote: Quote) -> "OrderQuote":
        return cls(
            nights=[
                NightPrice(night=line.night, homestay_fen=line.homestay_fen, food_fen=line.food_fen)
                for line in quote.price.lines
            ],
            homestay_total_fen=quote.price.homestay_fen,
            food_total_fen=quote.price.food_fen,
            order_total_fen=quote.price.total_fen,
            full_night=quote.full,
            closed_night=quote.closed,
            cancel_policy=quote.cancel_policy,
            refund_steps=RefundStep.all_of(quote.refund_steps),
            nearest=[FreeStay(start=stay.start, end=stay.end) for stay in quote.nearest],
        )


class CreateOrder(QuoteOrder):
    remark: Annotated[Text, Trimmed, Field(max_length=256)] = ""


class OrderCreated(ApiModel):
    order_sn: str


class BuyersOrder(OrderSummary):
    checkin_code: Annotated[str, Field(alias="tradeCode")]

    @classmethod
    def of(cls, order: HomestayOrder) -> "BuyersOrder":
        return cls.model_validate(summary(order) | {"checkin_code": order.checkin_code or ""})


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
    lines: list[NightPrice]
    pay_type: str
    refund_time: int
    refund_steps: list[RefundStep]
    timeline: list[TimelineEntry]

    @classmethod
    def with_history(
        cls,
        order: HomestayOrder,
        *,
        pay_type: str,
        refunded_at: datetime | None,
        steps: Sequence[cancelling.RefundStep],
        history: Sequence[Entry],
    ) -> "OrderDetail":
        return cls.model_validate(
            summary(order)
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
                "lines": order.lines,
                "pay_type": pay_type,
                "refund_time": unix(refunded_at),
                "refund_steps": RefundStep.all_of(steps),
                "timeline": TimelineEntry.all_of(history),
            }
        )


class BuyersOrders(ApiModel):
    rows: Annotated[list[BuyersOrder], Field(alias="list")]

    @classmethod
    def of(cls, orders: Sequence[HomestayOrder]) -> "BuyersOrders":
        return cls(rows=[BuyersOrder.of(each) for each in orders])
