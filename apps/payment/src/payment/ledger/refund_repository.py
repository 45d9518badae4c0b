"""Queries about refunds. Lock order everywhere: payment first, then refund."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from payment.ledger.payment_states import IllegalTransition
from payment.ledger.refund_states import ALLOWED, HOLDS_MONEY, UNSETTLED, RefundState
from payment.models import Refund, RefundTransition
from servicekit import due
from servicekit.db import Transaction
from servicekit.paging import newest_first


async def newest_of_request(session: AsyncSession, request_sn: str) -> Refund | None:
    query = select(Refund).where(Refund.request_sn == request_sn).order_by(Refund.attempt.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


async def by_sn(session: AsyncSession, sn: str) -> Refund | None:
    return (await session.scalars(select(Refund).where(Refund.sn == sn))).one_or_none()


async def lock(tx: Transaction, sn: str) -> Refund | None:
    """Lock the refund; the caller has locked its payment."""
    return (await tx.scalars(select(Refund).where(Refund.sn == sn).with_for_update())).one_or_none()


async def held(tx: Transaction, payment_sn: str) -> tuple[int, int]:
    """Of a locked payment: fen refunded or pending, and the number of its refunds."""
    holds = func.coalesce(func.sum(Refund.refund_fen).filter(Refund.state.in_(HOLDS_MONEY)), 0)
    fen, count = (await tx.execute(select(holds, func.count()).where(Refund.payment_sn == payment_sn))).one()
    return int(fen), int(count)


async def count_unsettled(session: AsyncSession, *, before: datetime) -> Sequence[tuple[str, int, int]]:
    """Rows of (state, number, number of those that were created before `before`)."""
    query = select(Refund.state, func.count(), func.count().filter(Refund.created_at < before))
    query = query.where(Refund.state.in_(UNSETTLED)).group_by(Refund.state)
    return (await session.execute(query)).tuples().all()


async def page(
    session: AsyncSession, *, below: int, size: int, state: str | None, until: datetime | None
) -> Sequence[Refund]:
    """Newest first; `below` 0 begins at the newest. `until`: created by then."""
    query = newest_first(select(Refund), Refund.id, below=below, limit=size)
    if state:
        query = query.where(Refund.state == state)
    if until is not None:
        query = query.where(Refund.created_at <= until)
    return (await session.scalars(query)).all()


def transition(tx: Transaction, refund: Refund, following: RefundState, source: str) -> None:
    """Change the state of a locked row and log the transition. Raises IllegalTransition."""
    current = RefundState(refund.state)
    if (current, following) not in ALLOWED:
        raise IllegalTransition(f"{current} → {following}")
    refund.version += 1
    refund.state = following
    tx.add(
        RefundTransition(refund_id=refund.id, seq=refund.version, from_state=current, to_state=following, source=source)
    )


async def claim_due(tx: Transaction, moment: datetime, limit: int, lease: timedelta) -> list[str]:
    """Lease refunds that are due, the oldest first. Returns their numbers."""
    c = Refund.__table__.c
    rows = await due.claim(
        tx,
        Refund.__table__,
        c.sn,
        is_open=c.state.in_(UNSETTLED),
        now=moment,
        lease=lease,
        limit=limit,
        order_by=[c.id],
    )
    return [row["sn"] for row in rows]


async def schedule(tx: Transaction, seen: Refund, moment: datetime, problem: str | None = None) -> None:
    """Set the time of the next attempt, unless the refund was rerouted since it was `seen`: that has set its own time."""
    changes: dict[str, object] = {"due_at": moment, **due.RELEASED} | ({"problem": problem} if problem else {})
    unchanged = Refund.sent_elsewhere_at.is_not_distinct_from(seen.sent_elsewhere_at)
    await tx.execute(update(Refund).where(Refund.sn == seen.sn, Refund.state.in_(UNSETTLED), unchanged).values(changes))


async def make_due(tx: Transaction, payment_sn: str, moment: datetime) -> bool:
    """Make all pending refunds of a payment due now, also those that a replica is working on; False when the payment never
    had a refund."""
    mine = Refund.payment_sn == payment_sn
    await tx.execute(update(Refund).where(mine, Refund.state.in_(UNSETTLED)).values(due_at=moment, **due.RELEASED))
    return (await tx.execute(select(Refund.id).where(mine).limit(1))).first() is not None
