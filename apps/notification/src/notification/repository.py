"""Every query of this service. Opens, commits and rolls back nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from notification.models import DeliveryAttempt, NotificationTask, NotificationTransition
from notification.states import Kind, Outcome, TaskState
from servicekit.db import Transaction


async def add_tasks(
    tx: Transaction,
    order_sn: str,
    kinds: Iterable[Kind],
    *,
    now: datetime,
    give_up_at: datetime,
    traceparent: str | None,
) -> int:
    """One task for each of `kinds`; those that the order has already stay as they are. Answers how many are new."""
    rows = [
        {
            "order_sn": order_sn,
            "kind": kind.value,
            "next_attempt_at": now,
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


async def claim_due(
    tx: Transaction, *, now: datetime, leased_until: datetime, limit: int
) -> Sequence[NotificationTask]:
    """Lease what is due and nobody else holds; whoever asks at the same moment gets other rows. Kinds of a newer version,
    which runs beside this one or was rolled back, are left to it."""
    due = (
        select(NotificationTask.id)
        .where(
            NotificationTask.state == TaskState.PENDING,
            NotificationTask.kind.in_(Kind),
            NotificationTask.next_attempt_at <= now,
            or_(NotificationTask.leased_until.is_(None), NotificationTask.leased_until <= now),
        )
        .order_by(NotificationTask.next_attempt_at, NotificationTask.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("materialized", dialect="postgresql")
    )
    claim = (
        update(NotificationTask)
        .where(NotificationTask.id.in_(select(due.c.id)))
        .values(leased_until=leased_until, updated_at=now, version=NotificationTask.version + 1)
        .returning(NotificationTask)
        .execution_options(synchronize_session=False)
    )
    return sorted((await tx.scalars(claim)).all(), key=lambda task: task.id)


async def has_unknown_before(tx: Transaction, task_id: int, seq: int) -> bool:
    """Whether an attempt before `seq` ended, or broke off, with nobody knowing."""
    unknown = exists().where(
        DeliveryAttempt.task_id == task_id,
        DeliveryAttempt.seq < seq,
        DeliveryAttempt.outcome == Outcome.UNKNOWN,
    )
    return bool(await tx.scalar(select(unknown)))


async def move(
    tx: Transaction, task: NotificationTask, to_state: TaskState, *, reason: str, actor: str, now: datetime
) -> None:
    """Write the new state of a locked task and the row that tells of it."""
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
    task.reason = reason
    task.leased_until = None
    task.updated_at = now
    if to_state is TaskState.SENT:
        task.sent_at = now
    await tx.flush()


async def newest_tasks(
    tx: Transaction, *, last_id: int, limit: int, state: TaskState | None
) -> Sequence[NotificationTask]:
    query = select(NotificationTask).order_by(NotificationTask.id.desc()).limit(limit)
    if last_id:
        query = query.where(NotificationTask.id < last_id)
    if state:
        query = query.where(NotificationTask.state == state)
    return (await tx.scalars(query)).all()


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
