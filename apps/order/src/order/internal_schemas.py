"""Requests and responses of `/internal/…`: what other services ask about orders. Amounts in fen, times in UTC."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import Field

from order.batch_repository import OwedOrder, ToldOrder
from order.models import HomestayOrder
from servicekit.schemas import ApiModel, Day, LastId, RowId, Text


class InternalSn(ApiModel):
    order_sn: Annotated[Text, Field(min_length=1, max_length=32)]


class InternalSns(ApiModel):
    order_sns: Annotated[list[Annotated[Text, Field(min_length=1, max_length=32)]], Field(min_length=1, max_length=500)]


class InternalSnAndUser(InternalSn):
    user_id: RowId


class Payable(ApiModel):
    """`traceparent`, `tracestate`: of the booking, which the payment goes on with; empty for an order from before."""

    order_sn: str
    user_id: int
    total_fen: int
    trade_state: int
    payable: bool
    close_at: datetime
    title: str
    traceparent: str
    tracestate: str

    @classmethod
    def of(cls, order: HomestayOrder | OwedOrder, *, payable: bool) -> "Payable":
        return cls(
            order_sn=order.sn,
            user_id=order.user_id,
            total_fen=order.order_total_fen,
            trade_state=order.trade_state,
            payable=payable,
            close_at=order.close_at.astimezone(UTC),
            title=order.title,
            traceparent=order.traceparent or "",
            tracestate=order.tracestate or "",
        )


class Payables(ApiModel):
    payables: list[Payable]


class InternalOrder(ApiModel):
    """An order for other services; by invocation only, because it holds the check-in code. `refundedAt`, `refundedFen`:
    when it became refunded, and what had gone back then. `refundAskedAt`, `refundAnswerBy`, `refundLeastFen`: of a refund
    request that the merchant decides (`refundState` asked), when it was made, when it ends by itself, and what goes back
    then (0: nothing, the order goes on)."""

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
    refund_least_fen: int | None
    version: int

    @classmethod
    def of(
        cls, order: HomestayOrder | ToldOrder, *, refunded_at: datetime | None, answer_by: datetime | None
    ) -> "InternalOrder":
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
            refunded_fen=order.refund_fen if refunded_at else None,
            refund_state=order.refund_state,
            refund_asked_at=order.refund_opened_at.astimezone(UTC) if answer_by and order.refund_opened_at else None,
            refund_answer_by=answer_by.astimezone(UTC) if answer_by else None,
            refund_least_fen=order.refund_least_fen if answer_by else None,
            version=order.version,
        )


class InternalOrders(ApiModel):
    """Those that exist, in any order."""

    orders: list[InternalOrder]


class Commentable(ApiModel):
    homestay_id: int
    commentable: bool


class DayPage(ApiModel):
    """`day` is a date in Asia/Shanghai."""

    day: Day
    last_id: LastId = 0
    page_size: Annotated[int, Field(ge=1, le=500, strict=True)] = 500


class DueOrder(ApiModel):
    """An order of which its homestay business is due money; `id` is that of the transition."""

    id: int
    order_sn: str
    homestay_business_id: int
    homestay_id: int
    homestay_user_id: int
    title: str
    payment_sn: str


class UsedOrder(DueOrder):
    used_at: datetime


class KeptOrder(DueOrder):
    refunded_at: datetime


class KeptOrders(ApiModel):
    list: list[KeptOrder]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, datetime, HomestayOrder]]) -> "KeptOrders":
        return cls(list=[KeptOrder(**_due(row_id, order), refunded_at=at) for row_id, at, order in rows])


class UsedOrders(ApiModel):
    list: list[UsedOrder]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, datetime, HomestayOrder]]) -> "UsedOrders":
        return cls(list=[UsedOrder(**_due(row_id, order), used_at=at) for row_id, at, order in rows])


class NightsPage(ApiModel):
    """Nights from `since` on, those after this homestay and night; dates in Asia/Shanghai."""

    since: Day
    after_homestay_id: LastId = 0
    after_night: Day = date.min
    page_size: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1000


class HomestayNightState(ApiModel):
    """Rooms or beds that are taken, of the stock at the newest sale. `version` grows with each change of the night."""

    homestay_id: int
    night: date
    taken: int
    stock: int
    version: int


class HomestayNights(ApiModel):
    nights: list[HomestayNightState]


def _due(row_id: int, order: HomestayOrder) -> dict[str, Any]:
    return {
        "id": row_id,
        "order_sn": order.sn,
        "homestay_business_id": order.homestay_business_id,
        "homestay_id": order.homestay_id,
        "homestay_user_id": order.homestay_user_id,
        "title": order.title,
        "payment_sn": order.payment_sn or "",
    }
