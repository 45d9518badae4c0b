"""Endpoints for operators: list messages and their attempts, resend one or a selection."""

from typing import Annotated

from fastapi import APIRouter, Depends

from notification.errors import TaskNotFound, TaskNotResendable
from notification.models import NotificationTask
from notification.operations import Operations
from notification.schemas import (
    Attempt,
    ResendRequest,
    Resent,
    Task,
    TaskDetail,
    TaskList,
    TaskListRequest,
    TaskRequest,
    TaskResendRequest,
    Transition,
)
from notification.states import Selection, TaskState
from servicekit.app import provided
from servicekit.auth import Operator
from servicekit.problems import declared
from servicekit.schemas import Ok

router = APIRouter(prefix="/notification/v1/ops", tags=["operations"])
Ops = Annotated[Operations, Depends(provided(Operations))]


@router.post("/taskList")
async def task_list(body: TaskListRequest, _: Operator, operations: Ops) -> Ok[TaskList]:
    """Newest first; `lastId` is the id of the previous page's last row."""
    selection = Selection(body.state, body.cause, body.kind)
    tasks = await operations.tasks(last_id=body.last_id, page_size=body.page_size, selection=selection)
    return Ok(data=TaskList(list=[shown(task) for task in tasks]))


@router.post("/taskDetail", responses=declared(TaskNotFound))
async def task_detail(body: TaskRequest, _: Operator, operations: Ops) -> Ok[TaskDetail]:
    """One message with all attempts and state changes."""
    task, attempts, transitions = await operations.history(body.id)
    return Ok(
        data=TaskDetail(
            task=shown(task),
            attempts=[Attempt.model_validate(each, from_attributes=True) for each in attempts],
            transitions=[Transition.model_validate(each, from_attributes=True) for each in transitions],
        )
    )


@router.post("/taskResend", responses=declared(TaskNotFound, TaskNotResendable))
async def task_resend(body: TaskResendRequest, operator: Operator, operations: Ops) -> Ok[Task]:
    """Resend a message that ended without delivery, with all its tries; the history stays."""
    return Ok(data=shown(await operations.resend(body.id, operator.user_id, body.note)))


@router.post("/taskResendAll", responses=declared(TaskNotResendable))
async def task_resend_all(body: ResendRequest, operator: Operator, operations: Ops) -> Ok[Resent]:
    """`taskResend` for a selection, such as after a template id was corrected. A part per request; `left` says how many
    remain."""
    selection = Selection(TaskState(body.state), body.cause, body.kind)
    resent, left = await operations.resend_all(selection, operator.user_id, body.note)
    return Ok(data=Resent(resent=resent, left=left))


def shown(row: NotificationTask) -> Task:
    """A message as operators see it."""
    return Task(
        id=row.id,
        order_sn=row.order_sn,
        kind=row.kind,
        state=row.state,
        reason=row.reason,
        cause=row.cause,
        attempts=row.attempts,
        next_attempt_at=row.due_at if row.state == TaskState.PENDING else None,
        sent_at=row.sent_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )
