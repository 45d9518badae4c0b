"""Queries of the review queue (table provider_notice). Opens no transaction, commits nothing."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from payment.models import ProviderNotice
from servicekit.db import Transaction
from servicekit.paging import newest_first


async def add(
    tx: Transaction,
    *,
    out_trade_no: str,
    reason: str,
    detail: str,
    source: str,
    transaction_id: str | None,
    out_refund_no: str | None,
    total_fen: int | None,
    reopen: bool,
) -> bool:
    """Insert a notice, or count a repetition of it (`seen`); True when it is new. With `reopen` a repetition opens a
    notice that was resolved."""
    statement = insert(ProviderNotice).values(
        out_trade_no=out_trade_no,
        transaction_id=transaction_id,
        out_refund_no=out_refund_no,
        reason=reason,
        detail=detail,
        source=source,
        total_fen=total_fen,
        state="needs_review",
        seen=1,
    )
    seen = statement.on_conflict_do_update(
        index_elements=["out_trade_no", "reason", "transaction_id", "out_refund_no"],
        set_={"seen": ProviderNotice.seen + 1, "detail": detail} | ({"state": "needs_review"} if reopen else {}),
    ).returning(ProviderNotice.seen)
    return (await tx.execute(seen)).scalar_one() == 1


async def resolve(tx: Transaction, out_refund_no: str, reasons: Sequence[str]) -> None:
    """Resolve the notices of a refund that have one of these reasons."""
    found = (ProviderNotice.out_refund_no == out_refund_no, ProviderNotice.reason.in_(reasons))
    await tx.execute(update(ProviderNotice).where(*found).values(state="resolved"))


async def page(session: AsyncSession, *, below: int, size: int, state: str | None) -> Sequence[ProviderNotice]:
    """Newest first; `below` 0 begins at the newest."""
    query = newest_first(select(ProviderNotice), ProviderNotice.id, below=below, limit=size)
    if state:
        query = query.where(ProviderNotice.state == state)
    return (await session.scalars(query)).all()


async def lock(tx: Transaction, notice_id: int) -> ProviderNotice | None:
    query = select(ProviderNotice).where(ProviderNotice.id == notice_id).with_for_update()
    return (await tx.scalars(query)).one_or_none()


async def open_by_reason(session: AsyncSession) -> Sequence[tuple[str, int]]:
    """How many notices of each reason need review; 0 where all are resolved."""
    waiting = func.count().filter(ProviderNotice.state == "needs_review")
    query = select(ProviderNotice.reason, waiting).group_by(ProviderNotice.reason)
    return (await session.execute(query)).tuples().all()
