"""Requests and responses of the operations endpoints; amounts in fen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from order.models import HomestayOrder
from order.repository import Confirmed
from order.schemas import Trimmed, closing
from servicekit.schemas import ApiModel, LastId, Note, PageSize, Sn, Text


class ClosingQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20


class ClosingOrder(ApiModel):
    """`cause` is buyer or unpaid; `nextAttemptAt` is when payment is asked next."""

    id: int
    sn: str
    user_id: int
    order_total_fen: int
    close_at: datetime
    closing_at: datetime
    cause: str
    attempts: int
    next_attempt_at: datetime

    @classmethod
    def of(cls, order: HomestayOrder) -> "ClosingOrder":
        return cls(
            id=order.id,
            sn=order.sn,
            user_id=order.user_id,
            order_total_fen=order.order_total_fen,
            close_at=order.close_at,
            closing_at=order.closing_at or order.close_at,
            cause=order.close_cause or "unpaid",
            attempts=order.tries,
            next_attempt_at=order.next_claim_at,
        )


class ClosingOrders(ApiModel):
    list: list[ClosingOrder]

    @classmethod
    def of(cls, orders: Sequence[HomestayOrder]) -> "ClosingOrders":
        return cls(list=[ClosingOrder.of(order) for order in orders])


class ClosingAgain(ApiModel):
    """`note`: why, for the audit."""

    sn: Sn
    note: Note


class ConfirmedStep(ApiModel):
    """Orders that became paid in the step that begins at `at`. `p50Seconds`, `p99Seconds`: from the payment, by WeChat's
    clock and in its whole seconds, until then."""

    at: datetime
    count: int
    p50_seconds: float
    p99_seconds: float

    @classmethod
    def of(cls, found: Confirmed) -> Self:
        p50, p99 = found.seconds
        return cls(at=found.at, count=found.count, p50_seconds=p50, p99_seconds=p99)


class ConfirmationStatistics(ApiModel):
    """Steps without paid orders are absent from `confirmed`."""

    since: datetime
    until: datetime
    confirmed: list[ConfirmedStep]


class FailedRefundQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20


class FailedRefund(ApiModel):
    """An order whose refund was agreed, failed, and was not requested again."""

    id: int
    sn: str
    user_id: int
    payment_sn: str
    refund_fen: int
    reason: str
    failed_at: datetime | None

    @classmethod
    def of(cls, order: HomestayOrder) -> "FailedRefund":
        return cls(
            id=order.id,
            sn=order.sn,
            user_id=order.user_id,
            payment_sn=order.payment_sn or "",
            refund_fen=order.refund_fen or order.order_total_fen,
            reason=order.refund_reason or "",
            failed_at=order.refund_failed_at,
        )


class FailedRefunds(ApiModel):
    list: list[FailedRefund]

    @classmethod
    def of(cls, orders: Sequence[HomestayOrder]) -> "FailedRefunds":
        return cls(list=[FailedRefund.of(order) for order in orders])


class RefundAgain(ApiModel):
    """`note` is the reason, recorded with the operator's id."""

    sn: Sn
    note: Annotated[Text, Trimmed, Field(min_length=1, max_length=256)]


class RetriedClosing(ApiModel):
    """The result of a retry; `problem` is why the order is still being closed, null when the closing has ended."""

    sn: str
    trade_state: int
    closing: bool
    problem: str | None

    @classmethod
    def of(cls, order: HomestayOrder, problem: str | None) -> "RetriedClosing":
        return cls(sn=order.sn, trade_state=order.trade_state, closing=closing(order), problem=problem)
