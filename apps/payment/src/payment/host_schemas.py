"""Requests and responses about a host's payout statements. Amounts in fen, days in Shanghai."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import Field

from payment.daily.statement_repository import HomestayDay, OrderLine
from payment.schemas import Day
from servicekit.schemas import ApiModel, RowId


class StatementQuery(ApiModel):
    homestay_id: RowId | None = Field(None, description="Absent: all homestays of the host")
    last_day: Day | None = Field(None, description="Days before it; absent: from the newest")
    page_size: Annotated[int, Field(ge=1, le=31, strict=True, description="Days; each comes whole")] = 10


class Statement(ApiModel):
    """`keptFen` = `totalFen` − `refundedFen`, `payableFen` = `keptFen` − `feeFen`. A refund that became known after the day
    of its stay stands in a day of its own, where `payableFen` may be below 0."""

    day: date
    homestay_id: int
    title: str
    orders: int
    total_fen: int
    refunded_fen: int
    kept_fen: int
    fee_fen: int
    payable_fen: int


class StatementList(ApiModel):
    list: list[Statement]

    @classmethod
    def of(cls, days: Sequence[HomestayDay]) -> Self:
        return cls(list=[Statement.model_validate(each, from_attributes=True) for each in days])


class StatementDay(ApiModel):
    day: Day
    homestay_id: RowId


class StatementOrder(ApiModel):
    """As `Statement`, of one order."""

    sn: str = Field(validation_alias="order_sn")
    title: str
    total_fen: int
    refunded_fen: int
    kept_fen: int
    fee_fen: int
    payable_fen: int


class StatementOrders(ApiModel):
    list: list[StatementOrder]

    @classmethod
    def of(cls, lines: Sequence[OrderLine]) -> Self:
        return cls(list=[StatementOrder.model_validate(each, from_attributes=True) for each in lines])


class Period(ApiModel):
    """Both days belong to it."""

    first: Annotated[Day, Field(alias="from")]
    last: Annotated[Day, Field(alias="to")]
