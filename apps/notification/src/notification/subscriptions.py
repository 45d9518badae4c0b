"""The Kafka edge: which use-case handles which event of order's."""

from notification.events import REFUND_UPDATED_TOPIC, TRADE_STATE_TOPIC, RefundUpdated, TradeStateUpdated
from notification.planning import Planning
from servicekit.events import Consumer


def on_trade_state_updated(planning: Planning) -> Consumer[TradeStateUpdated]:
    return Consumer(
        TRADE_STATE_TOPIC,
        "/events/order-state",
        TradeStateUpdated,
        planning.on_trade_state_updated,
        planning.on_trade_states_updated,
        numbers=("order_sn",),
    )


def on_refund_updated(planning: Planning) -> Consumer[RefundUpdated]:
    return Consumer(
        REFUND_UPDATED_TOPIC,
        "/events/order-refund",
        RefundUpdated,
        planning.on_refund_updated,
        numbers=("order_sn", "payment_sn"),
    )
