"""Requests and responses for operators who look for an order and at its history; amounts in fen."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from order.models import HomestayOrder
from order.schemas import closing
from servicekit.schemas import ApiModel, Note, RowId, Sn
from servicekit.steps import Step


class OrderSearch(ApiModel):
    """Exactly one of the three. `note`: why, for the audit."""

    sn: Sn | None = None
    user_id: RowId | None = Field(None, description="The buyer's, as accountDetail gives it for a mobile")
    checkin_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{8}$")] | None = None

    note: Note | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum(each is not None for each in (self.sn, self.user_id, self.checkin_code)) != 1:
            msg = "give exactly one of sn, userId and checkinCode"
            raise ValueError(msg)
        return self


class InspectedOrder(ApiModel):
    """An order as operators see it: neither check-in code nor remark."""

    sn: str
    user_id: int
    homestay_id: int
    homestay_business_id: int
    title: str
    trade_state: int
    closing: bool
    refund_state: str
    order_total_fen: int
    refunded_fen: int
    live_start_date: date
    live_end_date: date
    payment_sn: str
    created_at: datetime
    close_at: datetime
    paid_at: datetime | None
    version: int

    @classmethod
    def of(cls, order: HomestayOrder) -> Self:
        given = {"closing": closing(order), "payment_sn": order.payment_sn or ""}
        return cls(**{name: getattr(order, name) for name in cls.model_fields if name not in given}, **given)


class InspectedOrders(ApiModel):
    list: list[InspectedOrder]

    @classmethod
    def of(cls, orders: Sequence[HomestayOrder]) -> Self:
        return cls(list=[InspectedOrder.of(order) for order in orders])


class OrderHistory(ApiModel):
    order: InspectedOrder
    steps: list[Step]
