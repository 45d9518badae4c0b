"""All queries of this service. Functions use the caller's transaction and never end it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from notification.models import DeliveryAttempt, NotificationTask, NotificationTransition
from notification.states import Kind, Outcome, Selection, TaskState
from servicekit import due
from servicekit.db import Transaction
from servicekit.paging import newest_first


async def add_tasks(
    tx: Transaction,
    order_sn: str,
    kinds: Iterable[Kind],
    *,
    now: datetime,
    give_up_at: datetime,
    traceparent: str | None,
    subject: str = "",
    facts: dict[str, Any] | None = None,
) -> int:
    """Insert one task per kind about `subject`; existing ones stay as they are. Returns how many are new."""
    rows = [
        {
            "order_sn": order_sn,
            "kind": kind.value,
            "subject": subject,
            "facts": facts,
            "due_at": now,
            "give_up_at": give_up_at,
            "traceparent": traceparent,
            "created_at": now,
            "updated_at": now,
        }
        for kind in kinds
    ]
    statement = insert(NotificationTask).values(rows).on_conflict_do_nothing().returning(NotificationTask.id)
    return len((await tx.execute(statement)).all())


async def lock_pending_of(tx: Transaction, order_sn: str, kinds: Iterable[Kind]) -> Sequence[NotificationTask]:
    query = select(NotificationTask).where(
        NotificationTask.order_sn == order_sn,
        NotificationTask.kind.in_(kinds),
        NotificationTask.state == TaskState.PENDING,
    )
    return (await tx.scalars(query.order_by(NotificationTask.id).with_for_update())).all()


async def lock(tx: Transaction, task_id: int) -> NotificationTask | None:
    return await tx.get(NotificationTask, task_id, with_for_update=True, populate_existing=True)


class ClaimOrder(Enum):
    """Which of the due tasks are claimed first."""

    FRESH = "without an attempt, newest first: a new purchase does not wait behind older messages"
    LONGEST_DUE = "all, longest due first: retries, and new ones that newer ones overtook"


async def claim(
    tx: Transaction, order: ClaimOrder, *, now: datetime, lease: timedelta, limit: int
) -> Sequence[RowMapping]:
    """Lease due tasks. Kinds that only a newer version of this service knows are left to it."""
    c = NotificationTask.__table__.c
    is_open = and_(c.state == TaskState.PENDING, c.kind.in_(Kind))
    return await due.claim(
        tx,
        NotificationTask.__table__,
        c.order_sn,
        c.kind,
        c.version,
        c.traceparent,
        c.facts,
        is_open=and_(is_open, c.attempts == 0) if order is ClaimOrder.FRESH else is_open,
        now=now,
        lease=lease,
        limit=limit,
        order_by=[c.id.desc()] if order is ClaimOrder.FRESH else (),
        values={"updated_at": now, "version": c.version + 1},
        count_try=False,
    )


async def has_unknown_before(tx: Transaction, task_id: int, seq: int) -> bool:
    """Whether the outcome of an attempt before `seq` is unknown."""
    unknown = exists().where(
        DeliveryAttempt.task_id == task_id,
        DeliveryAttempt.seq < seq,
        DeliveryAttempt.outcome == Outcome.UNKNOWN,
    )
    return bool(await tx.scalar(select(unknown)))


async def move(
    tx: Transaction,
    task: NotificationTask,
    to_state: TaskState,
    *,
    reason: str,
    actor: str,
    now: datetime,
    cause: str | None = None,
) -> None:
    """Change the state of a locked task and record the transition."""
    task.version += 1
    tx.add(
        NotificationTransition(
            task_id=task.id,
            seq=task.version,
            from_state=task.state,
            to_state=to_state.value,
            reason=reason,
            actor=actor,
            created_at=now,
        )
    )
    task.state = to_state.value
    task.reason, task.cause = reason, cause
    task.leased_until = None
    task.updated_at = now
    if to_state is TaskState.SENT:
        task.sent_at = now
    await tx.flush()


def _selected(selection: Selection) -> list[ColumnElement[bool]]:
    pairs = (
        (NotificationTask.state, selection.state),
        (NotificationTask.cause, selection.cause),
        (NotificationTask.kind, selection.kind),
    )
    return [column == wanted for column, wanted in pairs if wanted is not None]


async def lock_selected(tx: Transaction, selection: Selection, limit: int) -> Sequence[NotificationTask]:
    """The oldest selected tasks, locked; without those that another transaction has locked."""
    query = select(NotificationTask).where(*_selected(selection)).order_by(NotificationTask.id).limit(limit)
    return (await tx.scalars(query.with_for_update(skip_locked=True))).all()


async def count(session: Transaction, selection: Selection) -> int:
    query = select(func.count()).select_from(NotificationTask).where(*_selected(selection))
    return await session.scalar(query) or 0


async def newest_tasks(
    session: Transaction, *, last_id: int, limit: int, selection: Selection
) -> Sequence[NotificationTask]:
    query = select(NotificationTask).where(*_selected(selection))
    page = newest_first(query, NotificationTask.id, below=last_id, limit=limit)
    return (await session.scalars(page)).all()


async def task(tx: Transaction, task_id: int) -> NotificationTask | None:
    return await tx.get(NotificationTask, task_id)


async def attempts_of(tx: Transaction, task_id: int) -> Sequence[DeliveryAttempt]:
    query = select(DeliveryAttempt).where(DeliveryAttempt.task_id == task_id).order_by(DeliveryAttempt.seq)
    return (await tx.scalars(query)).all()


async def transitions_of(tx: Transaction, task_id: int) -> Sequence[NotificationTransition]:
    query = (
        select(NotificationTransition)
        .where(NotificationTransition.task_id == task_id)
        .order_by(NotificationTransition.seq)
    )
    return (await tx.scalars(query)).all()


async def attempt(tx: Transaction, task_id: int, seq: int) -> DeliveryAttempt | None:
    query = select(DeliveryAttempt).where(DeliveryAttempt.task_id == task_id, DeliveryAttempt.seq == seq)
    return (await tx.scalars(query)).one_or_none()
