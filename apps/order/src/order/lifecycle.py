"""The one way by which an order changes its state: the rule, the transition row and the event, together or not at all."""

from datetime import datetime

from order import events, repository, states
from order.models import HomestayOrder, OrderTransition
from order.states import RefundState, TradeState
from servicekit.db import Transaction
from servicekit.outbox import publish_later


async def move(
    tx: Transaction,
    order: HomestayOrder,
    target: TradeState,
    *,
    cause: str,
    now: datetime,
    detail: str | None = None,
) -> None:
    """Move `order`, whose row the caller has locked. Raises IllegalMove, and nothing is written then."""
    was = TradeState(order.trade_state)
    states.require_move(was, target, refund_open=order.refund_opened_at is not None)
    order.trade_state = target
    order.version += 1
    order.leased_until = None  # only WAIT_PAY is leased, and no move leads there
    if target is TradeState.REFUNDED:
        order.refund_opened_at = None
        if order.refund_state == RefundState.ASKED:  # another way than the merchant's word gave all of it back
            order.refund_state = RefundState.AGREED
    await repository.add_transition(
        tx,
        OrderTransition(
            order_id=order.id,
            seq=order.version,
            from_state=was,
            to_state=target,
            cause=cause,
            detail=detail,
            created_at=now,
        ),
    )
    fact = events.trade_state_updated(order.sn, was, target, version=order.version, changed_at=now)
    await publish_later(tx, fact)
