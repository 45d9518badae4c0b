"""Message states that must not last, with the limit of each, for servicekit.unfinished."""

from datetime import timedelta

from sqlalchemy import func, select

from notification.models import NotificationTask
from notification.states import TaskState
from servicekit.unfinished import Unfinished

UNFINISHED = [
    Unfinished(
        "notification_task.pending",
        select(func.min(NotificationTask.due_at)).where(NotificationTask.state == TaskState.PENDING),
        timedelta(minutes=30),
    )
]
"""Its age counts from the due time of the next attempt."""
