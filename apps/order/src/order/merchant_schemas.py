"""Requests and responses of merchants."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from order.models import HomestayOrder
from order.pricing import Stay
from order.schemas import OrderQuery, OrderSummary
from order.states import RefundState
from servicekit.schemas import ApiModel, Day, Text


class MerchantsQuery(OrderQuery):
    """`refundState` asked: only orders whose refund request waits for the merchant."""

    refund_state: Literal["any", "asked"] = "any"

    @property
    def refund(self) -> RefundState | None:
        return None if self.refund_state == "any" else RefundState(self.refund_state)


class TypedCode(ApiModel):
    checkin_code: Annotated[Text, Field(alias="tradeCode", min_length=1, max_length=32)]


class MerchantsOrders(ApiModel):
    rows: Annotated[list[OrderSummary], Field(alias="list")]

    @classmethod
    def of(cls, orders: Sequence[HomestayOrder]) -> "MerchantsOrders":
        return cls(rows=[OrderSummary.of(each) for each in orders])


class ArrivalsQuery(ApiModel):
    day: Day | None = Field(None, description="A date in Asia/Shanghai; absent: today")


class Arrival(ApiModel):
    """`tradeState`: 1 to come, 2 checked in, 4 did not come."""

    sn: str
    homestay_id: int
    title: str
    live_people_num: int
    nights: int
    trade_state: int

    @classmethod
    def of(cls, order: HomestayOrder) -> "Arrival":
        return cls(
            sn=order.sn,
            homestay_id=order.homestay_id,
            title=order.title,
            live_people_num=order.live_people_num,
            nights=Stay(order.live_start_date, order.live_end_date).nights,
            trade_state=order.trade_state,
        )


class Arrivals(ApiModel):
    """At most 500, in the order in which they were booked."""

    day: date
    rows: Annotated[list[Arrival], Field(alias="list")]
