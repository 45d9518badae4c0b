"""Orders under a cancellation policy: booked and paid, and what is refunded of them."""

from typing import Any

from tests.service.order.support import Order

ASK, QUOTE, DETAIL = (
    f"/homestayOrder/{name}" for name in ("refundHomestayOrder", "quoteCancel", "userHomestayOrderDetail")
)
DECIDE = "/refundDecision"
REQUESTED, UPDATED, TOLD = "order-refund-requested-topic", "order-update-refund-topic", "order-update-tradestate-topic"
FAILED = "/events/refund-failed"


async def booked(order: Order, policy: str = "moderate", *, days: int = 3, **more: Any) -> tuple[str, str]:
    """A paid order under `policy`, which begins in `days` days: its number and the payment's."""
    order.peers.travel_offers(cancelPolicy=policy)
    return await order.paid(days=days, **more)


def amounts(order: Order, sn: str) -> tuple[Any, ...]:
    row = order.row(sn)
    return row["trade_state"], row["refund_state"], row["refund_fen"], row["refunded_fen"]
