"""The states of a message that should end, for the gauges of their ages (servicekit.unfinished)."""

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
"""Counted from the moment in which its next attempt was due."""
