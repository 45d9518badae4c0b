"""All queries of this service. Functions use the caller's transaction and never end it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Text, and_, func, select

from notification.decisions import Attempt, Task
from notification.models import DeliveryAttempt, NotificationTask, NotificationTransition
from notification.states import Kind, Selection, TaskState
from servicekit import due
from servicekit.arrays import ArrayTransaction, any_of, columns, fetch
from servicekit.db import Transaction
from servicekit.paging import newest_first
from servicekit.telemetry.traces import TraceContext


@dataclass(frozen=True, slots=True)
class NewTask:
    """A message to plan: one per order, kind and subject. `facts` is the event's data as JSON values."""

    order_sn: str
    kind: Kind
    trace: TraceContext
    subject: str = ""
    facts: Mapping[str, Any] | None = None


_ADD_TASKS = """
insert into notification_task
  (order_sn, kind, subject, facts, traceparent, tracestate, due_at, give_up_at, created_at, updated_at)
select order_sn, kind, subject, cast(facts as jsonb), traceparent, tracestate,
       $7::timestamptz, $8::timestamptz, $7::timestamptz, $7::timestamptz
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
  with ordinality as v(order_sn, kind, subject, facts, traceparent, tracestate, place)
 order by place on conflict do nothing returning id
"""
_TASK_COLUMNS = tuple(each.name for each in fields(Task))
_LOCK = (
    f"select {', '.join(_TASK_COLUMNS)} from notification_task"  # noqa: S608 - names of our own
    " where id = any($1::bigint[]) order by id for update"
)
_LOCK_FREE = f"{_LOCK} skip locked"
_WRITTEN = ("id", "state", "version", "attempts", "tries", "reason", "cause", "due_at", "leased_until", "sent_at")
_WRITE = """
with v as (
  select * from unnest($1::bigint[], $2::text[], $3::int[], $4::int[], $5::int[], $6::text[], $7::text[],
                       $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[])
    as v(id, state, version, attempts, tries, reason, cause, due_at, leased_until, sent_at, from_state)),
moved as (
  insert into notification_transition (task_id, seq, from_state, to_state, reason, actor, created_at)
  select id, version, from_state, state, reason, $12::text, $13::timestamptz from v where from_state <> state),
begun as (
  insert into delivery_attempt (task_id, seq, outcome, errcode, detail, started_at, ended_at)
  select * from unnest($14::bigint[], $15::int[], $16::text[], $17::int[], $18::text[], $19::timestamptz[],
                       $20::timestamptz[]))
update notification_task t
   set state = v.state, version = v.version, attempts = v.attempts, tries = v.tries, reason = v.reason, cause = v.cause,
       due_at = v.due_at, leased_until = v.leased_until, sent_at = v.sent_at, updated_at = $13::timestamptz
  from v where t.id = v.id
"""
_BEGUN = tuple(each.name for each in fields(Attempt))
_ENDED = ("task_id", "seq", "outcome", "errcode", "detail")
_END_ATTEMPTS = """
update delivery_attempt a set outcome = v.outcome, errcode = v.errcode, detail = v.detail, ended_at = $6::timestamptz
  from unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::text[]) as v(task_id, seq, outcome, errcode, detail)
 where a.task_id = v.task_id and a.seq = v.seq returning a.task_id
"""
_DOUBTFUL = """
select distinct a.task_id from delivery_attempt a join unnest($1::bigint[], $2::int[]) as v(task_id, seq)
    on a.task_id = v.task_id and a.seq < v.seq where a.outcome = 'unknown'
"""


async def add_tasks(tx: Transaction, tasks: Iterable[NewTask], *, now: datetime, give_up_at: datetime) -> int:
    """Insert tasks; existing ones stay as they are. Returns how many are new."""
    ordered = sorted(tasks, key=lambda each: each.order_sn)  # two transactions that share some wait in one direction
    rows = [
        (
            each.order_sn,
            each.kind.value,
            each.subject,
            None if each.facts is None else json.dumps(each.facts),
            each.trace.traceparent or None,
            each.trace.tracestate or None,
        )
        for each in ordered
    ]
    return len(await fetch(tx, _ADD_TASKS, *columns(rows), now, give_up_at)) if rows else 0


async def orders_with_pending(tx: Transaction, order_sns: Sequence[str], kinds: Iterable[Kind]) -> set[str]:
    """Those of the orders that have a pending message of one of the kinds."""
    pending = select(NotificationTask.order_sn).where(
        NotificationTask.order_sn == any_of(order_sns, Text),
        NotificationTask.kind.in_(kinds),
        NotificationTask.state == TaskState.PENDING,
    )
    return set((await tx.scalars(pending)).all())


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
        c.tracestate,
        c.facts,
        is_open=and_(is_open, c.attempts == 0) if order is ClaimOrder.FRESH else is_open,
        now=now,
        lease=lease,
        limit=limit,
        order_by=[c.id.desc()] if order is ClaimOrder.FRESH else (),
        values={"updated_at": now, "version": c.version + 1},
        count_try=False,
    )


async def lock_all(tx: ArrayTransaction, ids: Sequence[int], *, wait: bool) -> dict[int, Task]:
    """Lock tasks in the order of their ids; those that another transaction has locked are left out unless `wait`."""
    return {row["id"]: Task(*row) for row in await tx.fetch(_LOCK if wait else _LOCK_FREE, ids)}


async def write(
    tx: ArrayTransaction,
    before: Mapping[int, Task],
    after: Sequence[Task],
    attempts: Sequence[Attempt],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Write locked tasks, a transition for each whose state differs from `before`, and new attempts, in one statement."""
    from_states = [before[each.id].state for each in after]
    await tx.execute(_WRITE, *_arrays(after, _WRITTEN), from_states, actor, now, *_arrays(attempts, _BEGUN))


async def end_attempts(tx: ArrayTransaction, attempts: Sequence[Attempt], now: datetime) -> set[int]:
    """Write the outcomes of attempts that were begun. Returns the ids of their tasks."""
    return {row["task_id"] for row in await tx.fetch(_END_ATTEMPTS, *_arrays(attempts, _ENDED), now)}


async def doubtful(tx: ArrayTransaction, attempts: Sequence[tuple[int, int]]) -> set[int]:
    """The ids of those tasks, at least one, given with the number of an attempt, of which an earlier attempt has an unknown
    outcome."""
    return {row["task_id"] for row in await tx.fetch(_DOUBTFUL, *columns(attempts))}


def _arrays(rows: Sequence[Task | Attempt], names: Sequence[str]) -> list[list[object]]:
    return [[getattr(row, name) for row in rows] for name in names]


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


async def tasks_of_order(session: Transaction, order_sn: str) -> Sequence[NotificationTask]:
    """Oldest first."""
    query = select(NotificationTask).where(NotificationTask.order_sn == order_sn).order_by(NotificationTask.id)
    return (await session.scalars(query)).all()


async def attempts_of_tasks(session: Transaction, ids: Sequence[int]) -> Sequence[DeliveryAttempt]:
    query = select(DeliveryAttempt).where(DeliveryAttempt.task_id.in_(ids)).order_by(DeliveryAttempt.id)
    return (await session.scalars(query)).all()


async def transitions_of_tasks(session: Transaction, ids: Sequence[int]) -> Sequence[NotificationTransition]:
    query = select(NotificationTransition).where(NotificationTransition.task_id.in_(ids))
    return (await session.scalars(query.order_by(NotificationTransition.id))).all()
