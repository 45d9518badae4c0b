"""Requests and responses for operators who look for a payment and at how it went; amounts in fen."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints

from payment.ledger.inspection import History
from payment.ledger.payment_states import PayStatus
from payment.models import PayoutItem, ThirdPayment
from payment.schemas import NoticeAnswer, RefundRow
from servicekit.schemas import ApiModel, Note, Sn
from servicekit.steps import Step
from servicekit.telemetry.traces import TraceContext


class PaymentSearch(ApiModel):
    """The number of an order, payment, refund or refund request, or WeChat's of a transaction or refund."""

    number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{4,64}$")]


class PaymentQuery(ApiModel):
    """`note` is the reason, recorded with the operator's id."""

    payment_sn: Sn
    note: Note


class InspectedPayment(ApiModel):
    """A payment as operators see it. `payStatus` -1 closed, 0 waiting, 1 paid, 2 refunded; `nextQueryAt`: when WeChat is
    queried next, null when it is not open; `traceId`: of the prepay, empty for one from before traces were kept."""

    sn: str
    order_sn: str
    service_type: str
    user_id: int
    pay_status: int
    trade_state: str
    total_fen: int
    refunded_fen: int
    transaction_id: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime
    pay_time: AwareDatetime | None
    asked_at: AwareDatetime | None
    next_query_at: AwareDatetime | None
    trace_id: str
    version: int

    @classmethod
    def of(cls, payment: ThirdPayment) -> Self:
        next_query = payment.next_claim_at if payment.pay_status == PayStatus.WAITING else None
        trace_id = TraceContext(payment.traceparent or "").trace_id
        shown = {name: getattr(payment, name) for name in cls.model_fields if name not in {"next_query_at", "trace_id"}}
        return cls(next_query_at=next_query, trace_id=trace_id, **shown)


class InspectedPayments(ApiModel):
    list: list[InspectedPayment]

    @classmethod
    def of(cls, payments: Sequence[ThirdPayment]) -> Self:
        return cls(list=[InspectedPayment.of(payment) for payment in payments])


class PayoutEntry(ApiModel):
    """What a stay or a refund adds to its host's payout; `recordId` null until its day is summed up."""

    kind: str
    number: str
    homestay_business_id: int
    day: date
    amount_fen: int
    fee_fen: int
    record_id: int | None = Field(description="As in payoutList")

    @classmethod
    def of(cls, item: PayoutItem) -> Self:
        return cls(**{name: getattr(item, name) for name in cls.model_fields})


class PaymentHistory(ApiModel):
    payments: list[InspectedPayment]
    refunds: list[RefundRow]
    notices: list[NoticeAnswer]
    payout: list[PayoutEntry]
    steps: list[Step]

    @classmethod
    def of(cls, history: History) -> Self:
        return cls(
            payments=[InspectedPayment.of(each) for each in history.payments],
            refunds=[RefundRow.model_validate(each, from_attributes=True) for each in history.refunds],
            notices=[NoticeAnswer.of(each, None) for each in history.notices],
            payout=[PayoutEntry.of(each) for each in history.payout],
            steps=history.steps,
        )
