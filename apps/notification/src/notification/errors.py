"""What this service refuses, in its own words."""

from servicekit.errors import Conflict, NotFound


class TaskNotFound(NotFound):
    code, slug = 100601, "notification-task-not-found"


class TaskNotResendable(Conflict):
    code, slug = 100602, "notification-task-not-resendable"
