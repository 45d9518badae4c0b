"""Requests and responses of the operations endpoints."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from notification.states import Kind, TaskState
from servicekit.schemas import ApiModel, LastId, Note, PageSize, RowId, Sn, Text
from servicekit.steps import Step

Cause = Annotated[Text, Field(min_length=1, max_length=32)]


class TaskListRequest(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20
    state: TaskState | None = None
    cause: Cause | None = None
    kind: Kind | None = None


class TaskRequest(ApiModel):
    id: RowId


class TaskResendRequest(ApiModel):
    id: RowId
    note: Note


class ResendRequest(ApiModel):
    """Selects messages that ended in `state`, by cause and kind if given."""

    state: Literal["refused", "invalid", "dead"]
    cause: Cause | None = None
    kind: Kind | None = None
    note: Note


class Resent(ApiModel):
    """`left`: how many a further request would resend."""

    resent: int
    left: int


class Task(ApiModel):
    id: int
    order_sn: str
    kind: str
    state: str
    reason: str | None
    cause: str | None
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class TaskList(ApiModel):
    list: list[Task]


class Attempt(ApiModel):
    seq: int
    outcome: str
    errcode: int | None
    detail: str | None
    started_at: datetime
    ended_at: datetime | None


class Transition(ApiModel):
    from_state: str
    to_state: str
    reason: str
    actor: str
    created_at: datetime


class TaskDetail(ApiModel):
    task: Task
    attempts: list[Attempt]
    transitions: list[Transition]


class OrderRef(ApiModel):
    order_sn: Sn


class MessageHistory(ApiModel):
    """`steps` of all the messages together; a step's `number` is `<kind>:<id>`."""

    tasks: list[Task]
    steps: list[Step]


class Claimed(ApiModel):
    claimed: int
