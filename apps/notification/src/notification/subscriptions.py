"""The Kafka edge: what orders become."""

from notification.events import TRADESTATE_TOPIC, OrderState
from notification.planning import Planning
from servicekit.events import Consumer


def order_states(planning: Planning) -> Consumer[OrderState]:
    return Consumer(TRADESTATE_TOPIC, "/events/order-state", OrderState, planning.follow)
