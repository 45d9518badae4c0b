"""The only function that changes an order's trade state: rule, transition row, nights and events in one transaction."""

from datetime import date, datetime

from order import events, night_repository, pricing, repository, states
from order.models import HomestayOrder, OrderTransition
from order.states import RefundState, TradeState
from servicekit.db import Transaction
from servicekit.outbox import publish_later

FREES_NIGHTS = {TradeState.CANCELLED, TradeState.REFUNDED}


async def move(
    tx: Transaction,
    order: HomestayOrder,
    target: TradeState,
    *,
    cause: str,
    now: datetime,
    detail: str | None = None,
) -> None:
    """Change the state of `order`, whose row the caller has locked. Raises IllegalMove; then nothing is written."""
    before = TradeState(order.trade_state)
    states.require_move(before, target, refund_open=order.refund_opened_at is not None)
    order.trade_state = target
    order.version += 1
    order.leased_until = None  # only WAIT_PAY is leased, and no move leads there
    if target is TradeState.REFUNDED:
        order.refund_opened_at = None
        if order.refund_state == RefundState.ASKED:  # refunded by another way than the merchant's decision
            order.refund_state = RefundState.AGREED
    await repository.add_transition(
        tx,
        OrderTransition(
            order_id=order.id,
            seq=order.version,
            from_state=before,
            to_state=target,
            cause=cause,
            detail=detail,
            created_at=now,
        ),
    )
    facts = [events.trade_state_updated(order.sn, before, target, version=order.version, changed_at=now)]
    if target in FREES_NIGHTS:
        since = date.min if target is TradeState.CANCELLED else pricing.first_night_to_come(now)
        freed = await night_repository.free(tx, order.id, order.homestay_id, since)
        facts += [events.nights_updated(order.sn, order.homestay_id, freed, changed_at=now)] if freed else []
    await publish_later(tx, *facts)
