"""What an attempt does to its task: pure functions from a locked row to the row that is written."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notification.retries import RetryPolicy
from notification.states import Outcome, TaskState, Verdict, may_move

GAVE_UP = "gave-up"


@dataclass(frozen=True, slots=True)
class Task:
    """The columns of a notification_task that an attempt reads or changes. The row is locked in this transaction."""

    id: int
    order_sn: str
    kind: str
    state: str
    version: int
    attempts: int
    tries: int
    reason: str | None
    cause: str | None
    give_up_at: datetime
    due_at: datetime
    leased_until: datetime | None
    sent_at: datetime | None

    def is_ours(self, version: int) -> bool:
        """Whether a claim of this version still holds the task."""
        return self.state == TaskState.PENDING and self.version == version


@dataclass(frozen=True, slots=True)
class Attempt:
    """A new row of delivery_attempt."""

    task_id: int
    seq: int
    outcome: str
    errcode: int | None
    detail: str | None
    started_at: datetime
    ended_at: datetime | None


def begin(task: Task, *, policy: RetryPolicy, now: datetime, lease: timedelta) -> tuple[Task, Attempt | None]:
    """Count an attempt, outcome unknown. No attempt when none is left: the last one was interrupted before it was
    recorded."""
    if task.tries >= policy.max_attempts:
        return move(
            task, TaskState.DEAD, now=now, reason="gave up: the last attempt was interrupted", cause=GAVE_UP
        ), None
    return _counted(replace(task, leased_until=now + lease), Verdict(Outcome.UNKNOWN, ""), now=now, ended_at=None)


def not_sent(task: Task, verdict: Verdict, *, policy: RetryPolicy, now: datetime) -> tuple[Task, Attempt]:
    """An attempt that failed before anything was sent."""
    counted, attempt = _counted(task, verdict, now=now, ended_at=now)
    return _retry_or_give_up(counted, verdict, policy=policy, now=now), attempt


def ended(
    task: Task,
    claimed: int,
    outcome: Outcome,
    state: TaskState,
    verdict: Verdict,
    *,
    policy: RetryPolicy,
    now: datetime,
) -> Task:
    """The task after an attempt with this `outcome`, concluded to be `state`. A delivery counts whatever happened to the
    task meanwhile; any other outcome changes it only while the claim of version `claimed` holds it."""
    if state is TaskState.SENT:
        if not may_move(TaskState(task.state), state):
            return task
        presumed = "presumed delivered by an earlier attempt" if outcome is Outcome.PRESUMED else "accepted"
        return move(task, state, now=now, reason=presumed)
    if not task.is_ours(claimed):
        return task
    if state is not TaskState.PENDING:
        return move(task, state, now=now, reason=reason_of(verdict), cause=verdict.cause)
    return _retry_or_give_up(task, verdict, policy=policy, now=now)


def move(task: Task, state: TaskState, *, now: datetime, reason: str, cause: str | None = None) -> Task:
    """The task in another state, its lease ended."""
    return replace(
        task,
        state=state.value,
        version=task.version + 1,
        reason=reason,
        cause=cause,
        leased_until=None,
        sent_at=now if state is TaskState.SENT else task.sent_at,
    )


def reason_of(verdict: Verdict) -> str:
    return f"{verdict.errcode} {verdict.detail}" if verdict.errcode is not None else verdict.detail


def _counted(task: Task, verdict: Verdict, *, now: datetime, ended_at: datetime | None) -> tuple[Task, Attempt]:
    task = replace(task, attempts=task.attempts + 1, tries=task.tries + 1)
    outcome, errcode, detail = verdict.outcome.value, verdict.errcode, verdict.detail
    return task, Attempt(task.id, task.attempts, outcome, errcode, detail, now, ended_at)


def _retry_or_give_up(task: Task, verdict: Verdict, *, policy: RetryPolicy, now: datetime) -> Task:
    reason = reason_of(verdict)
    if policy.exhausted(task.tries, now, task.give_up_at):
        return move(task, TaskState.DEAD, now=now, reason=f"gave up: {reason}", cause=GAVE_UP)
    due_at = now + policy.backoff.pause(task.tries)
    return replace(task, due_at=due_at, leased_until=None, reason=reason, version=task.version + 1)
