"""Queries about reconciliations; those of the comparison itself are in bill_comparison.py."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from payment.daily.bill_comparison import Sums
from payment.daily.days import missed_days
from payment.models import Reconciliation, ReconciliationDifference, ThirdPayment
from servicekit.db import Transaction
from servicekit.paging import newest_first

Difference = ReconciliationDifference


async def schedule(tx: Transaction, day: date, now: datetime) -> Reconciliation:
    row = insert(Reconciliation).values(bill_date=day, state="wanted", next_attempt_at=now)
    again = row.on_conflict_do_update(
        index_elements=["bill_date"], set_={"state": "wanted", "next_attempt_at": now, "problem": None}
    ).returning(Reconciliation)
    return (await tx.scalars(again)).one()


async def schedule_missed(tx: Transaction, yesterday: date, now: datetime) -> int:
    """Schedule yesterday and the missing days; returns how many were added. Existing days are left as they are."""
    days = {yesterday, *(await tx.scalars(missed_days(Reconciliation.bill_date, yesterday))).all()}
    new = [{"bill_date": day, "state": "wanted", "next_attempt_at": now} for day in sorted(days)]
    row = insert(Reconciliation).values(new).on_conflict_do_nothing()
    return len((await tx.scalars(row.returning(Reconciliation.bill_date))).all())


async def unfinished_days(session: AsyncSession, yesterday: date) -> set[date]:
    wanted = select(Reconciliation.bill_date).where(Reconciliation.state == "wanted")
    missing = missed_days(Reconciliation.bill_date, yesterday)
    return {*await session.scalars(wanted), *await session.scalars(missing)}


async def scheduled(session: AsyncSession, now: datetime) -> Sequence[date]:
    query = select(Reconciliation.bill_date).where(
        Reconciliation.state == "wanted", Reconciliation.next_attempt_at <= now
    )
    return (await session.scalars(query.order_by(Reconciliation.bill_date))).all()


async def put_off(tx: Transaction, day: date, until: datetime, problem: str) -> None:
    later = update(Reconciliation).where(Reconciliation.bill_date == day)
    await tx.execute(later.values(next_attempt_at=until, problem=problem))


async def finish(tx: Transaction, day: date, sums: Sums, now: datetime, *, has_bill: bool) -> None:
    """Store the result of a run; a row that already has the same figures keeps its time."""
    figures = {"has_bill": has_bill, **asdict(sums)}
    row = insert(Reconciliation).values(
        bill_date=day, state="done", next_attempt_at=now, finished_at=now, problem=None, **figures
    )
    changed = [getattr(Reconciliation, name).is_distinct_from(value) for name, value in figures.items()]
    await tx.execute(
        row.on_conflict_do_update(
            index_elements=["bill_date"],
            set_={"state": "done", "finished_at": now, "problem": None, **figures},
            where=or_(Reconciliation.finished_at.is_(None), *changed),
        )
    )
    same = update(Reconciliation).where(Reconciliation.bill_date == day, Reconciliation.state == "wanted")
    await tx.execute(same.values(state="done", problem=None))


async def run(session: AsyncSession, day: date) -> Reconciliation | None:
    return await session.get(Reconciliation, day, populate_existing=True)


async def runs(session: AsyncSession, *, before: date | None, size: int) -> Sequence[tuple[Reconciliation, int, int]]:
    """Newest day first, as (run, number of its differences, number of those that are open)."""
    mine = select(func.count()).where(Difference.bill_date == Reconciliation.bill_date)
    is_open = mine.where(Difference.outcome == "open")
    query = select(Reconciliation, mine.scalar_subquery(), is_open.scalar_subquery())
    if before:
        query = query.where(Reconciliation.bill_date < before)
    return (await session.execute(query.order_by(Reconciliation.bill_date.desc()).limit(size))).tuples().all()


async def open_differences(
    session: AsyncSession, day: date, *, above: int, limit: int
) -> tuple[Sequence[Difference], int]:
    """The oldest open differences above an id, and the number of all of them."""
    mine = (Difference.bill_date == day, Difference.outcome == "open", Difference.id > above)
    page = (await session.scalars(select(Difference).where(*mine).order_by(Difference.id).limit(limit))).all()
    left = await session.scalar(select(func.count()).select_from(Difference).where(*mine)) if page else 0
    return page, left or 0


async def lock_open(tx: Transaction, difference_ids: Sequence[int]) -> Sequence[int]:
    """Lock those that are still open, as another day's bill may have resolved some; their ids, ascending."""
    query = select(Difference.id).where(Difference.id.in_(difference_ids), Difference.outcome == "open")
    return (await tx.scalars(query.order_by(Difference.id).with_for_update())).all()


async def end_all(tx: Transaction, difference_ids: Sequence[int], repair: str, outcome: str, now: datetime) -> None:
    mine = update(Difference).where(Difference.id.in_(difference_ids))
    await tx.execute(mine.values(repair=repair, outcome=outcome, ended_at=now))


async def end(tx: Transaction, difference_id: int, repair: str, outcome: str, now: datetime) -> None:
    mine = update(Difference).where(Difference.id == difference_id, Difference.outcome == "open")
    await tx.execute(mine.values(repair=repair, outcome=outcome, ended_at=now))


async def billed(tx: Transaction, payment_sn: str, day: date) -> None:
    """Record that the day's bill lists a payment, which was settled because of it."""
    mine = update(ThirdPayment).where(ThirdPayment.sn == payment_sn, ThirdPayment.billed_on.is_(None))
    await tx.execute(mine.values(billed_on=day))


async def page(
    session: AsyncSession, *, below: int, size: int, day: date | None, kind: str | None
) -> Sequence[Difference]:
    """Newest first."""
    query = newest_first(select(Difference), Difference.id, below=below, limit=size)
    if day:
        query = query.where(Difference.bill_date == day)
    if kind:
        query = query.where(Difference.kind == kind)
    return (await session.scalars(query)).all()


async def of_day(session: AsyncSession, day: date, *, above: int, size: int) -> Sequence[Difference]:
    """In id order, the order in which they were found."""
    query = select(Difference).where(Difference.bill_date == day, Difference.id > above)
    return (await session.scalars(query.order_by(Difference.id).limit(size))).all()


async def counts(session: AsyncSession, day: date) -> Sequence[tuple[str, str, str, int]]:
    """Rows of (subject, kind, outcome, count)."""
    group = (Difference.subject, Difference.kind, Difference.outcome)
    query = select(*group, func.count()).where(Difference.bill_date == day).group_by(*group).order_by(*group)
    return (await session.execute(query)).tuples().all()
