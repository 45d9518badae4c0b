"""What an operator sees and may do: every message, what was tried, and once more for those that stopped."""

from collections.abc import Callable, Sequence

from notification import repository
from notification.errors import TaskNotFound, TaskNotResendable
from notification.models import DeliveryAttempt, NotificationTask, NotificationTransition
from notification.retries import RetryPolicy
from notification.states import TaskState, may_move
from servicekit.clock import Clock
from servicekit.db import Database

History = tuple[NotificationTask, Sequence[DeliveryAttempt], Sequence[NotificationTransition]]


class Operations:
    """`wake` is called after a commit that made a task due."""

    def __init__(self, db: Database, clock: Clock, policy: RetryPolicy, wake: Callable[[], None]) -> None:
        self._db, self._clock, self._policy, self._wake = db, clock, policy, wake

    async def tasks(self, *, last_id: int, page_size: int, state: TaskState | None) -> Sequence[NotificationTask]:
        async with self._db.read() as tx:
            return await repository.newest_tasks(tx, last_id=last_id, limit=page_size, state=state)

    async def history(self, task_id: int) -> History:
        """Raises TaskNotFound."""
        async with self._db.read() as tx:
            task = await repository.task(tx, task_id)
            if task is None:
                raise TaskNotFound(f"no task {task_id}")
            return task, await repository.attempts_of(tx, task_id), await repository.transitions_of(tx, task_id)

    async def resend(self, task_id: int, operator_id: int) -> NotificationTask:
        """A refused or dead task is due again, with all its tries before it; its history stays, with the operator's id.

        Raises TaskNotFound, TaskNotResendable.
        """
        now = self._clock()
        async with self._db.transaction() as tx:
            task = await repository.lock(tx, task_id)
            if task is None:
                raise TaskNotFound(f"no task {task_id}")
            if not may_move(TaskState(task.state), TaskState.PENDING):
                raise TaskNotResendable(f"the task is {task.state}")
            task.tries = 0
            task.next_attempt_at = now
            task.give_up_at = now + self._policy.give_up_after
            actor = f"operator:{operator_id}"
            await repository.move(tx, task, TaskState.PENDING, reason="resend asked for", actor=actor, now=now)
        self._wake()
        return task
