"""Records delivery attempts: claims tasks, writes each attempt before it is made and its outcome afterwards. All
transactions of a delivery are here; none contains a network call."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from prometheus_client import Counter
from sqlalchemy import RowMapping

from notification import repository
from notification.models import DeliveryAttempt, NotificationTask
from notification.repository import ClaimOrder
from notification.retries import RetryPolicy
from notification.states import Kind, Outcome, TaskState, Verdict, conclude, may_move
from servicekit.clock import Clock
from servicekit.db import Database, Transaction

log = structlog.get_logger()

ATTEMPTS = Counter("notification_attempts_total", "Attempts by message and outcome", ["kind", "outcome"])
ENDED = Counter("notification_tasks_ended_total", "Tasks that left the state pending", ["kind", "state"])
for _kind, _state in itertools.product(Kind, TaskState):
    ENDED.labels(_kind.value, _state.value)  # starts at 0, so that an alert on the increase sees the first one

LEASE = timedelta(seconds=30)
"""Longer than each half of an attempt: the preparation, and the send with a renewal of the access token (four requests
of at most five seconds). The lease is renewed between the two."""

ACTOR = "notification"
GAVE_UP = "gave-up"


@dataclass(frozen=True)
class Claim:
    """A task that this replica has leased. After the lease another replica may claim it, which changes its
    `version`."""

    task_id: int
    order_sn: str
    kind: Kind
    version: int
    traceparent: str | None
    facts: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        return cls(row["id"], row["order_sn"], Kind(row["kind"]), row["version"], row["traceparent"], row["facts"])


@dataclass(kw_only=True, eq=False)
class Attempts:
    """Claims tasks, begins and records attempts. Safe on several replicas: a row's lock and version decide."""

    db: Database
    clock: Clock
    policy: RetryPolicy

    async def claim(self, order: ClaimOrder, limit: int) -> list[Claim]:
        """Lease at most `limit` tasks that are due, in the given order."""
        now = self.clock()
        async with self.db.transaction() as tx:
            rows = await repository.claim(tx, order, now=now, lease=LEASE, limit=limit)
        return [Claim.of(row) for row in rows]

    async def begin(self, claim: Claim) -> int | None:
        """Record an attempt, outcome unknown, before it is made. Returns its number; None when the task is no longer
        ours, or has no attempt left."""
        now = self.clock()
        async with self.db.transaction() as tx:
            task = await self._ours(tx, claim)
            if task is None:
                return None
            if task.tries >= self.policy.max_attempts:  # the last one was interrupted before `record`
                await self._move(tx, task, TaskState.DEAD, "gave up: the last attempt was interrupted", GAVE_UP)
                return None
            task.leased_until = now + LEASE
            return self._add(tx, task, Verdict(Outcome.UNKNOWN, ""), now=now, ended_at=None)

    async def record(self, claim: Claim, seq: int, verdict: Verdict) -> None:
        """Record the outcome of attempt `seq`. A delivery counts whatever happened to the task meanwhile; any other
        outcome changes the task only while it is still ours."""
        now = self.clock()
        async with self.db.transaction() as tx:
            task = await repository.lock(tx, claim.task_id)
            attempt = await repository.attempt(tx, claim.task_id, seq)
            if task is None or attempt is None:
                return
            doubtful = await repository.has_unknown_before(tx, claim.task_id, seq)
            outcome, state = conclude(verdict, doubtful=doubtful)
            attempt.outcome, attempt.errcode, attempt.detail = outcome.value, verdict.errcode, verdict.detail
            attempt.ended_at = now
            if state is TaskState.SENT:
                if may_move(TaskState(task.state), state):
                    presumed = "presumed delivered by an earlier attempt" if outcome is Outcome.PRESUMED else "accepted"
                    await self._move(tx, task, state, presumed)
            elif not _is_ours(task, claim):
                pass
            elif state is not TaskState.PENDING:
                await self._move(tx, task, state, _reason(verdict), verdict.cause)
            else:
                await self._wait_or_give_up(tx, task, verdict, now)
        _report(claim, outcome, verdict)

    async def record_unsent(self, claim: Claim, verdict: Verdict) -> None:
        """Record an attempt that failed before anything was sent."""
        now = self.clock()
        async with self.db.transaction() as tx:
            task = await self._ours(tx, claim)
            if task is None:
                return
            self._add(tx, task, verdict, now=now, ended_at=now)
            await self._wait_or_give_up(tx, task, verdict, now)
        _report(claim, verdict.outcome, verdict)

    async def end_unsent(self, claim: Claim, state: TaskState, reason: str, cause: str | None) -> None:
        """End a task without sending: there is nothing to send any more."""
        async with self.db.transaction() as tx:
            if task := await self._ours(tx, claim):
                await self._move(tx, task, state, reason, cause)
                log.info("message is not sent", order_sn=claim.order_sn, kind=claim.kind, state=state, reason=reason)

    async def _ours(self, tx: Transaction, claim: Claim) -> NotificationTask | None:
        task = await repository.lock(tx, claim.task_id)
        return task if task is not None and _is_ours(task, claim) else None

    def _add(
        self, tx: Transaction, task: NotificationTask, verdict: Verdict, *, now: datetime, ended_at: datetime | None
    ) -> int:
        task.attempts += 1
        task.tries += 1
        task.updated_at = now
        tx.add(
            DeliveryAttempt(
                task_id=task.id,
                seq=task.attempts,
                outcome=verdict.outcome.value,
                errcode=verdict.errcode,
                detail=verdict.detail,
                started_at=now,
                ended_at=ended_at,
            )
        )
        return task.attempts

    async def _wait_or_give_up(self, tx: Transaction, task: NotificationTask, verdict: Verdict, now: datetime) -> None:
        if self.policy.exhausted(task.tries, now, task.give_up_at):
            await self._move(tx, task, TaskState.DEAD, f"gave up: {_reason(verdict)}", GAVE_UP)
            log.error("message is dead", task_id=task.id, order_sn=task.order_sn, reason=task.reason)
            return
        task.release(now + self.policy.backoff.pause(task.tries))
        task.reason = _reason(verdict)
        task.updated_at = now
        task.version += 1

    async def _move(
        self, tx: Transaction, task: NotificationTask, state: TaskState, reason: str, cause: str | None = None
    ) -> None:
        await repository.move(tx, task, state, reason=reason, actor=ACTOR, now=self.clock(), cause=cause)
        ENDED.labels(task.kind, state.value).inc()


def _is_ours(task: NotificationTask, claim: Claim) -> bool:
    return task.state == TaskState.PENDING and task.version == claim.version


def _reason(verdict: Verdict) -> str:
    return f"{verdict.errcode} {verdict.detail}" if verdict.errcode is not None else verdict.detail


def _report(claim: Claim, outcome: Outcome, verdict: Verdict) -> None:
    ATTEMPTS.labels(claim.kind.value, outcome.value).inc()
    log.info("message tried", order_sn=claim.order_sn, kind=claim.kind, outcome=outcome, reason=_reason(verdict))
