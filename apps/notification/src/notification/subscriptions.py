"""The Kafka edge: what orders become, and what becomes of their refunds."""

from notification.events import REFUND_TOPIC, TRADESTATE_TOPIC, OrderRefund, OrderState
from notification.planning import Planning
from servicekit.events import Consumer


def order_states(planning: Planning) -> Consumer[OrderState]:
    return Consumer(TRADESTATE_TOPIC, "/events/order-state", OrderState, planning.follow)


def order_refunds(planning: Planning) -> Consumer[OrderRefund]:
    return Consumer(REFUND_TOPIC, "/events/order-refund", OrderRefund, planning.follow_refund)
