"""Events: the models of those that order consumes, and the builders of those that it publishes
(contracts/events/tradestate-updated.v1, refund-requested.v1, refund-updated.v1, nights-updated.v1)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from order.models import NightState
from order.states import RefundCause, RefundUpdate, TradeState
from servicekit.clock import utc_text
from servicekit.events import EventData
from servicekit.outbox import OutgoingEvent
from servicekit.telemetry.traces import TraceContext

SOURCE = "minsu/order"
TRADE_STATE_TOPIC, TRADE_STATE_TYPE = "order-update-tradestate-topic", "minsu.order.tradestate-updated.v1"
REFUND_REQUESTED_TOPIC, REFUND_REQUESTED_TYPE = "order-refund-requested-topic", "minsu.order.refund-requested.v1"
REFUND_UPDATED_TOPIC, REFUND_UPDATED_TYPE = "order-update-refund-topic", "minsu.order.refund-updated.v1"
NIGHTS_TOPIC, NIGHTS_TYPE = "order-nights-topic", "minsu.order.nights-updated.v1"
PUBLISHED_TOPICS = (TRADE_STATE_TOPIC, REFUND_REQUESTED_TOPIC, REFUND_UPDATED_TOPIC, NIGHTS_TOPIC)
PAYMENT_STATUS_TOPIC = "payment-update-paystatus-topic"
REFUND_FAILED_TOPIC = "payment-refund-failed-topic"
LONGEST_REASON = 80

HOMESTAY_ORDER = "homestayOrder"
"""The business type of our orders at payment, which takes payments for other businesses too."""
BusinessNumber = Annotated[str, Field(min_length=1, max_length=32)]


class PayStatusUpdated(EventData):
    """A payment was paid, or a part or all of it refunded (contracts/events/paystatus-updated.v1 and .v2; `refunded_fen` is
    of v2). `order_sn` is the order's number, never the payment's."""

    model_config = ConfigDict(alias_generator=to_camel)

    order_sn: BusinessNumber
    service_type: str = HOMESTAY_ORDER
    payment_sn: BusinessNumber
    pay_status: int
    total_fen: Annotated[int, Field(ge=1, le=2**53)]
    refunded_fen: Annotated[int, Field(ge=0, le=2**53)] = 0
    pay_time: AwareDatetime
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]

    @model_validator(mode="after")
    def _refunded_within_total(self) -> Self:
        if self.refunded_fen > self.total_fen:
            raise ValueError("more was refunded than paid")
        return self


class RefundFailed(EventData):
    """Payment could not carry out a refund request (contracts/events/refund-failed.v1)."""

    model_config = ConfigDict(alias_generator=to_camel)

    order_sn: BusinessNumber
    service_type: str = HOMESTAY_ORDER
    payment_sn: BusinessNumber
    request_sn: BusinessNumber


def trade_state_updated(
    sn: str,
    before: TradeState,
    after: TradeState,
    *,
    version: int,
    changed_at: datetime,
    trace: TraceContext | None = None,
) -> OutgoingEvent:
    """`trace`: of the event that caused the change; None takes the current trace."""
    data = {
        "orderSn": sn,
        "tradeState": int(after),
        "fromState": int(before),
        "changedAt": utc_text(changed_at),
        "version": version,
    }
    return OutgoingEvent(TRADE_STATE_TOPIC, sn, TRADE_STATE_TYPE, SOURCE, sn, data, changed_at, trace)


def refund_requested(
    sn: str,
    *,
    request_sn: str,
    payment_sn: str,
    refund_fen: int,
    cause: RefundCause,
    reason: str,
    requested_at: datetime,
) -> OutgoingEvent:
    data = {
        "requestSn": request_sn,
        "orderSn": sn,
        "paymentSn": payment_sn,
        "refundFen": refund_fen,
        "cause": cause.value,
        "reason": reason[:LONGEST_REASON],
        "requestedAt": utc_text(requested_at),
    }
    return OutgoingEvent(REFUND_REQUESTED_TOPIC, sn, REFUND_REQUESTED_TYPE, SOURCE, sn, data, requested_at)


def refund_updated(
    sn: str, update: RefundUpdate, *, payment_sn: str, refund_fen: int, cause: RefundCause | None, changed_at: datetime
) -> OutgoingEvent:
    """A change of a refund that leaves the trade state as it is. Holds no name, openid or user id: consumers read those
    from the order. `cause` None becomes `other`."""
    data = {
        "orderSn": sn,
        "refundState": update.value,
        "paymentSn": payment_sn,
        "refundFen": refund_fen,
        "cause": cause.value if cause else "other",
        "changedAt": utc_text(changed_at),
    }
    return OutgoingEvent(REFUND_UPDATED_TOPIC, sn, REFUND_UPDATED_TYPE, SOURCE, sn, data, changed_at)


def nights_updated(
    order_sn: str, homestay_id: int, nights: Sequence[NightState], *, changed_at: datetime
) -> OutgoingEvent:
    """How much of these nights, 90 at most, is taken now. The key is an order that changed them: a homestay that many
    book at once would wait for each event of its own in turn."""
    homestay = str(homestay_id)
    told = [{**each._asdict(), "night": each.night.isoformat()} for each in nights]
    data = {"homestayId": homestay, "nights": told, "changedAt": utc_text(changed_at)}
    return OutgoingEvent(NIGHTS_TOPIC, order_sn, NIGHTS_TYPE, SOURCE, homestay, data, changed_at)
