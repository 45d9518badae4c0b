"""Errors of this service. Codes 100601–100699 are its own."""

from servicekit.errors import Conflict, NotFound


class TaskNotFound(NotFound):
    code, slug = 100601, "notification-task-not-found"


class TaskNotResendable(Conflict):
    code, slug = 100602, "notification-task-not-resendable"
