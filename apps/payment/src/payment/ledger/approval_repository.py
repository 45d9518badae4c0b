"""Queries about refunds that wait for a second operator. The caller locks payment and refund first, then the approval."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from payment.ledger.approval_states import ApprovalState
from payment.models import Refund, RefundApproval
from servicekit.acts import operator_act
from servicekit.db import Transaction
from servicekit.paging import newest_first

SENT_ALONE = "send-refund-elsewhere"
"""The act of one operator, below the limit."""
SUBJECT = "refund:"
_LOCK_SENDER = text("select pg_advisory_xact_lock(7301012, hashint8(:operator_id))")


async def sent_alone(tx: Transaction, operator_id: int, *, since: datetime) -> int:
    """Fen of the refunds that this operator has sent elsewhere after `since` without a second one, but for those that
    WeChat did not carry out. Until the commit no other transaction asks for the same operator."""
    await tx.execute(_LOCK_SENDER, {"operator_id": operator_id})
    sent = select(func.substr(operator_act.c.subject, len(SUBJECT) + 1)).where(
        operator_act.c.operator_id == operator_id,
        operator_act.c.act == SENT_ALONE,
        operator_act.c.acted_at > since,
    )
    query = select(func.coalesce(func.sum(Refund.refund_fen), 0)).where(
        Refund.sn.in_(sent), Refund.sent_elsewhere_at.is_not(None)
    )
    return int((await tx.execute(query)).scalar_one())


async def locked(tx: Transaction, approval_id: int) -> RefundApproval | None:
    query = select(RefundApproval).where(RefundApproval.id == approval_id).with_for_update()
    return (await tx.scalars(query)).one_or_none()


async def by_id(session: AsyncSession, approval_id: int) -> RefundApproval | None:
    return (await session.scalars(select(RefundApproval).where(RefundApproval.id == approval_id))).one_or_none()


async def open_of(tx: Transaction, refund_sn: str) -> RefundApproval | None:
    """The one that waits; there is at most one."""
    query = select(RefundApproval).where(
        RefundApproval.refund_sn == refund_sn, RefundApproval.state == ApprovalState.WANTED
    )
    return (await tx.scalars(query.with_for_update())).one_or_none()


async def expire(tx: Transaction, now: datetime) -> None:
    """Write down what has expired."""
    await tx.execute(
        update(RefundApproval)
        .where(RefundApproval.state == ApprovalState.WANTED, RefundApproval.expires_at <= now)
        .values(state=ApprovalState.EXPIRED, request=None)
    )


async def page(
    session: AsyncSession, *, below: int, size: int, state: str | None
) -> Sequence[tuple[RefundApproval, Refund]]:
    """Newest first, each with its refund; `below` 0 begins at the newest."""
    query = select(RefundApproval, Refund).join(Refund, Refund.sn == RefundApproval.refund_sn)
    query = newest_first(query, RefundApproval.id, below=below, limit=size)
    if state:
        query = query.where(RefundApproval.state == state)
    return (await session.execute(query)).tuples().all()
