"""Tells operators what became of the messages about an order: planned, tried, sent or not."""

from collections.abc import Sequence
from dataclasses import dataclass

from notification import repository
from notification.models import DeliveryAttempt, NotificationTask, NotificationTransition
from servicekit import acts
from servicekit.db import Database
from servicekit.steps import Step, in_order


@dataclass(kw_only=True, eq=False)
class Inspection:
    db: Database

    async def history(self, order_sn: str) -> tuple[Sequence[NotificationTask], list[Step]]:
        """The order's messages, oldest first, and all that happened to them; a step's number is `<kind>:<task id>`. Empty
        for an order without one."""
        async with self.db.read() as session:
            tasks = await repository.tasks_of_order(session, order_sn)
            numbers = {each.id: f"{each.kind}:{each.id}" for each in tasks}
            attempts = await repository.attempts_of_tasks(session, list(numbers))
            changes = await repository.transitions_of_tasks(session, list(numbers))
            done = await acts.of_subjects(session, [f"task:{each}" for each in numbers]) if numbers else []
        steps = [Step(at=each.created_at, what="message_planned", number=numbers[each.id]) for each in tasks]
        steps += [_attempt(numbers[each.task_id], each) for each in attempts]
        steps += [_change(numbers[each.task_id], each) for each in changes]
        return tasks, in_order([*steps, *map(Step.of_act, done)])


def _attempt(number: str, attempt: DeliveryAttempt) -> Step:
    """At the time of WeChat's response; of one that is under way or was interrupted, when it began."""
    code = f"{attempt.errcode} " if attempt.errcode else ""
    return Step(
        at=attempt.ended_at or attempt.started_at,
        what="message_tried",
        number=number,
        after=attempt.outcome,
        source=f"attempt:{attempt.seq}",
        detail=f"{code}{attempt.detail or ''}".strip() or None,
    )


def _change(number: str, change: NotificationTransition) -> Step:
    return Step(
        at=change.created_at,
        what="message_state",
        number=number,
        before=change.from_state,
        after=change.to_state,
        source=change.actor,
        detail=change.reason,
    )
