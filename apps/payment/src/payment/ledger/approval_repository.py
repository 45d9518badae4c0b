"""Queries about refunds that wait for a second operator. The caller locks payment and refund first, then the approval."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from payment.ledger.approval_states import ApprovalState
from payment.models import Refund, RefundApproval
from servicekit.db import Transaction
from servicekit.paging import newest_first


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
