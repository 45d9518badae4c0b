"""Events that payment publishes (payment paid, a part or all of it refunded, refund failed), and the data of the one it
consumes."""

from datetime import datetime
from typing import Annotated, Protocol

from pydantic import BeforeValidator, Field

from payment.models import Refund
from servicekit.clock import Clock, utc_text
from servicekit.events import whole
from servicekit.outbox import OutgoingEvent
from servicekit.schemas import ApiModel, Sn, Text
from servicekit.telemetry.traces import TraceContext

PAYMENT_STATUS_TOPIC = "payment-update-paystatus-topic"
REFUND_FAILED_TOPIC = "payment-refund-failed-topic"
PUBLISHED_TOPICS = (PAYMENT_STATUS_TOPIC, REFUND_FAILED_TOPIC)
REFUND_REQUESTED_TOPIC = "order-refund-requested-topic"
SOURCE = "minsu/payment"


class RefundRequested(ApiModel):
    """`data` of order's event (contracts/events/refund-requested.v1), and the body of `/internal/refund`."""

    request_sn: Sn
    order_sn: Sn
    payment_sn: Sn
    refund_fen: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True), BeforeValidator(whole)]
    cause: Annotated[Text, Field(min_length=1, max_length=32)]
    reason: Annotated[Text, Field(max_length=80)]


class PaidPayment(Protocol):
    """What an event says of a payment: a row, or the locked columns of one."""

    @property
    def sn(self) -> str: ...
    @property
    def order_sn(self) -> str: ...
    @property
    def service_type(self) -> str: ...
    @property
    def pay_status(self) -> int: ...
    @property
    def total_fen(self) -> int: ...
    @property
    def refunded_fen(self) -> int: ...
    @property
    def pay_time(self) -> datetime | None: ...
    @property
    def version(self) -> int: ...


def pay_status_updated(payment: PaidPayment, clock: Clock, *, trace: TraceContext | None = None) -> OutgoingEvent:
    """The event of a paid payment, of which a part or all may have been refunded, in the current trace or in
    `trace`. Raises ValueError for one that was never paid.

    `orderSn` is the order's number; the source system sent the payment's, so no order ever became paid."""
    if payment.pay_time is None:
        raise ValueError(f"{payment.sn} was never paid: there is no event")
    return OutgoingEvent(
        topic=PAYMENT_STATUS_TOPIC,
        key=payment.order_sn,
        type="minsu.payment.paystatus-updated.v2",
        source=SOURCE,
        subject=payment.sn,
        occurred_at=clock(),
        data={
            "orderSn": payment.order_sn,
            "serviceType": payment.service_type,
            "paymentSn": payment.sn,
            "payStatus": int(payment.pay_status),
            "totalFen": payment.total_fen,
            "refundedFen": payment.refunded_fen,
            "payTime": utc_text(payment.pay_time),
            "version": payment.version,
        },
        trace=trace,
    )


def refund_failed(refund: Refund | RefundRequested, service_type: str, clock: Clock) -> OutgoingEvent:
    """The event of a refund request that ended without moving money: its requester may continue."""
    now = clock()
    return OutgoingEvent(
        topic=REFUND_FAILED_TOPIC,
        key=refund.order_sn,
        type="minsu.payment.refund-failed.v1",
        source=SOURCE,
        subject=refund.request_sn,
        occurred_at=now,
        data={
            "requestSn": refund.request_sn,
            "orderSn": refund.order_sn,
            "serviceType": service_type,
            "paymentSn": refund.payment_sn,
            "refundFen": refund.refund_fen,
            "failedAt": utc_text(now),
        },
    )
