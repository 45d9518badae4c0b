"""The facts that order tells others: contracts/events/tradestate-updated.v1, refund-requested.v1, refund-updated.v1."""

from datetime import UTC, datetime

from order.states import RefundCause, RefundNews, TradeState
from servicekit.outbox import OutgoingEvent

SOURCE = "minsu/order"
TRADE_STATE_TOPIC, TRADE_STATE_TYPE = "order-update-tradestate-topic", "minsu.order.tradestate-updated.v1"
REFUND_TOPIC, REFUND_TYPE = "order-refund-requested-topic", "minsu.order.refund-requested.v1"
REFUND_UPDATED_TOPIC, REFUND_UPDATED_TYPE = "order-update-refund-topic", "minsu.order.refund-updated.v1"
PAY_STATUS_TOPIC = "payment-update-paystatus-topic"
REFUND_FAILED_TOPIC = "payment-refund-failed-topic"
LONGEST_REASON = 80


def zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def trade_state_updated(
    sn: str,
    was: TradeState,
    now_is: TradeState,
    *,
    version: int,
    changed_at: datetime,
    traceparent: str | None = None,
) -> OutgoingEvent:
    """`traceparent` is the trace of the cause, where that is not the current one."""
    data = {
        "orderSn": sn,
        "tradeState": int(now_is),
        "fromState": int(was),
        "changedAt": zulu(changed_at),
        "version": version,
    }
    return OutgoingEvent(TRADE_STATE_TOPIC, sn, TRADE_STATE_TYPE, SOURCE, sn, data, changed_at, traceparent)


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
        "requestedAt": zulu(requested_at),
    }
    return OutgoingEvent(REFUND_TOPIC, sn, REFUND_TYPE, SOURCE, sn, data, requested_at)


def refund_updated(
    sn: str, news: RefundNews, *, payment_sn: str, refund_fen: int, cause: RefundCause | None, changed_at: datetime
) -> OutgoingEvent:
    """What happened to a refund while the order's state stayed. No name, openid or user: who is told is read from the
    order. `cause` None: another than the contract knows."""
    data = {
        "orderSn": sn,
        "refundState": news.value,
        "paymentSn": payment_sn,
        "refundFen": refund_fen,
        "cause": cause.value if cause else "other",
        "changedAt": zulu(changed_at),
    }
    return OutgoingEvent(REFUND_UPDATED_TOPIC, sn, REFUND_UPDATED_TYPE, SOURCE, sn, data, changed_at)
