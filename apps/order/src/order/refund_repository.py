"""Queries of the refunds that were requested from payment. Functions use the caller's transaction and never end it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, text, update

from order.models import OrderRefund
from order.states import RequestState
from servicekit.db import Transaction

_SETTLE = text("""
update order_refund set state = 'returned', ended_at = :now
where payment_sn = :payment_sn and state = 'requested' and refund_fen + (
  select coalesce(sum(refund_fen), 0) from order_refund where payment_sn = :payment_sn and state = 'returned'
) <= :refunded_fen
returning cause
""")


async def was_requested(tx: Transaction, payment_sn: str) -> bool:
    """Whether a refund of this payment was ever requested."""
    query = select(OrderRefund.id).where(OrderRefund.payment_sn == payment_sn).limit(1)
    return (await tx.scalars(query)).first() is not None


async def under_way(tx: Transaction, payment_sn: str) -> OrderRefund | None:
    """The request of this payment that has not ended."""
    query = select(OrderRefund).where(OrderRefund.payment_sn == payment_sn, OrderRefund.state == RequestState.REQUESTED)
    return (await tx.scalars(query)).first()


async def by_key(tx: Transaction, order_id: int, request_key: str) -> OrderRefund | None:
    query = select(OrderRefund).where(OrderRefund.order_id == order_id, OrderRefund.request_key == request_key)
    return (await tx.scalars(query)).first()


async def of_order(session: Transaction, order_id: int) -> Sequence[OrderRefund]:
    """All that were requested, oldest first."""
    query = select(OrderRefund).where(OrderRefund.order_id == order_id).order_by(OrderRefund.id)
    return (await session.scalars(query)).all()


async def settle(tx: Transaction, payment_sn: str, refunded_fen: int, now: datetime) -> str | None:
    """End the request under way of a payment of which `refunded_fen` have gone back; returns its cause. None when there is
    none, or less than it has gone back."""
    values = {"payment_sn": payment_sn, "refunded_fen": refunded_fen, "now": now}
    cause: str | None = await tx.scalar(_SETTLE, values)
    return cause


async def fail(tx: Transaction, request_sn: str, now: datetime) -> bool:
    """End a request that came to nothing; False when it is unknown, or has ended before."""
    ended = (
        update(OrderRefund)
        .where(OrderRefund.request_sn == request_sn, OrderRefund.state == RequestState.REQUESTED)
        .values(state=RequestState.FAILED, ended_at=now)
        .returning(OrderRefund.id)
    )
    return (await tx.execute(ended)).first() is not None


def oldest_requested() -> Select[Any]:
    """When the oldest refund that has not ended was requested from payment."""
    return select(func.min(OrderRefund.requested_at)).where(OrderRefund.state == RequestState.REQUESTED)
