"""Operators' use-cases: list messages with their attempts, and resend those that ended without delivery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notification import repository
from notification.errors import TaskNotFound, TaskNotResendable
from notification.models import DeliveryAttempt, NotificationTask, NotificationTransition
from notification.retries import RetryPolicy
from notification.states import Selection, TaskState, may_move
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction

History = tuple[NotificationTask, Sequence[DeliveryAttempt], Sequence[NotificationTransition]]

MOST_AT_ONCE = 500
"""Most tasks that one request resends, so that its transaction stays short."""


@dataclass(kw_only=True, eq=False)
class Operations:
    """`wake` is called after a commit that makes a task due."""

    db: Database
    clock: Clock
    policy: RetryPolicy
    wake: Callable[[], None]

    async def tasks(self, *, last_id: int, page_size: int, selection: Selection) -> Sequence[NotificationTask]:
        async with self.db.read() as session:
            return await repository.newest_tasks(session, last_id=last_id, limit=page_size, selection=selection)

    async def history(self, task_id: int) -> History:
        """Raises TaskNotFound."""
        async with self.db.read() as session:
            task = await repository.task(session, task_id)
            if task is None:
                raise TaskNotFound(f"no task {task_id}")
            attempts = await repository.attempts_of(session, task_id)
            return task, attempts, await repository.transitions_of(session, task_id)

    async def resend(self, task_id: int, operator_id: int, note: str) -> NotificationTask:
        """Make an ended task due again, with all its tries; its history stays. Raises TaskNotFound,
        TaskNotResendable."""
        now = self.clock()
        async with self.db.transaction() as tx:
            task = await repository.lock(tx, task_id)
            if task is None:
                raise TaskNotFound(f"no task {task_id}")
            if not may_move(TaskState(task.state), TaskState.PENDING):
                raise TaskNotResendable(f"the task is {task.state}")
            await self._begin_anew(tx, task, operator_id, now)
            await acts.record(tx, now, operator_id, "resend", f"task:{task_id}", note=note)
        self.wake()
        return task

    async def resend_all(self, selection: Selection, operator_id: int, note: str) -> tuple[int, int]:
        """`resend` for the tasks of `selection`, oldest first, at most `MOST_AT_ONCE`. Returns how many, and how many
        are left. Raises TaskNotResendable for a state from which no task is resent."""
        if selection.state is None or not may_move(selection.state, TaskState.PENDING):
            raise TaskNotResendable(f"tasks that are {selection.state}")
        now = self.clock()
        async with self.db.transaction() as tx:
            tasks = await repository.lock_selected(tx, selection, MOST_AT_ONCE)
            for task in tasks:
                await self._begin_anew(tx, task, operator_id, now)
            if tasks:
                subject = ":".join(each for each in ("tasks", selection.state, selection.cause, selection.kind) if each)
                count = f"{len(tasks)} messages"
                await acts.record(tx, now, operator_id, "resend", subject, note=f"{count}: {note}")
        self.wake()
        async with self.db.read() as session:
            return len(tasks), await repository.count(session, selection)

    async def _begin_anew(self, tx: Transaction, task: NotificationTask, operator_id: int, now: datetime) -> None:
        task.tries = 0
        task.due_at = now
        task.give_up_at = now + self.policy.give_up_after
        actor = f"operator:{operator_id}"
        await repository.move(tx, task, TaskState.PENDING, reason="resend requested", actor=actor, now=now)
