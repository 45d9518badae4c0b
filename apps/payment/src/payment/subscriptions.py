"""Kafka consumers: the events of order that payment handles."""

from payment.events import REFUND_REQUESTED_TOPIC, RefundRequested
from payment.refunding.requests import RefundRequests
from servicekit.events import Consumer


def on_refund_requested(refunds: RefundRequests) -> Consumer[RefundRequested]:
    return Consumer(
        REFUND_REQUESTED_TOPIC,
        "/events/refund-requested",
        RefundRequested,
        refunds.on_request,
        numbers=("order_sn", "payment_sn"),
    )
