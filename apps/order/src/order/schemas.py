"""What the requests and responses of several callers share. Names and units are the source system's (…Price in yuan,
times in unix seconds); new amounts are in fen.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from order.models import HomestayOrder
from order.pricing import Stay
from order.states import RefundState, TradeState
from servicekit.clock import unix
from servicekit.money import yuan
from servicekit.schemas import ApiModel, LastId, Number, PageSize, Sn

Trimmed = StringConstraints(strip_whitespace=True)


class OrderQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20
    trade_state: Annotated[Literal[-99, -1, 0, 1, 2, 3, 4], Number] = -99


class OrderRef(ApiModel):
    sn: Sn


class OrderSummary(ApiModel):
    """A row of a list, without the check-in code, which only buyers see. `refundAskTime` is of the open refund. A time
    that has not come is 0. In fen: `refundFen` and `refundLeastFen` are what the newest refund request is for, and what
    goes back at least if the host agrees (null: not requested, nothing to decide); `refundedFen` has come back; `keptFen`
    stays of an order that is over."""

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
    cancel_policy: str
    refund_fen: int | None
    refund_least_fen: int | None
    refunded_fen: int
    kept_fen: int
    order_total_price: float
    order_total_fen: int
    create_time: int
    close_time: int
    pay_time: int

    @classmethod
    def of(cls, order: HomestayOrder) -> "OrderSummary":
        return cls.model_validate(summary(order))


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
            closing=closing(order),
            refund_open=order.refund_opened_at is not None,
            refund_state=order.refund_state,
        )


def closing(order: HomestayOrder) -> bool:
    return order.trade_state == TradeState.WAIT_PAY and order.closing_at is not None


def kept_fen(order: HomestayOrder) -> int:
    """What stays of an order that was paid and is over."""
    is_over = order.trade_state in {TradeState.USED, TradeState.REFUNDED, TradeState.EXPIRED}
    return order.order_total_fen - order.refunded_fen if is_over else 0


def summary(order: HomestayOrder) -> dict[str, object]:
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
        "closing": closing(order),
        "refund_open": order.refund_opened_at is not None,
        "refund_state": order.refund_state,
        "refund_reason": order.refund_reason or "",
        "refund_note": order.refund_note or "",
        "refund_ask_time": unix(order.refund_opened_at),
        "cancel_policy": order.cancel_policy,
        "refund_fen": order.refund_fen,
        "refund_least_fen": order.refund_least_fen if order.refund_state == RefundState.ASKED else None,
        "refunded_fen": order.refunded_fen,
        "kept_fen": kept_fen(order),
        "order_total_price": yuan(order.order_total_fen),
        "order_total_fen": order.order_total_fen,
        "create_time": unix(order.created_at),
        "close_time": unix(order.close_at),
        "pay_time": unix(order.paid_at),
    }
