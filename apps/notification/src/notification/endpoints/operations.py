"""For operators alone: the messages, their tries, and sending one again."""

from typing import Annotated

from fastapi import APIRouter, Depends

from notification.models import NotificationTask
from notification.operations import Operations
from notification.schemas import Attempt, Task, TaskDetail, TaskList, TaskListRequest, TaskRequest, Transition
from notification.states import TaskState
from servicekit.app import provided
from servicekit.auth import Operator
from servicekit.schemas import Ok

router = APIRouter(prefix="/notification/v1/ops", tags=["operations"])
Ops = Annotated[Operations, Depends(provided(Operations))]


@router.post("/taskList")
async def task_list(body: TaskListRequest, _: Operator, operations: Ops) -> Ok[TaskList]:
    """Newest first; `lastId` is the last row's id of the page before."""
    tasks = await operations.tasks(last_id=body.last_id, page_size=body.page_size, state=body.state)
    return Ok(data=TaskList(list=[_task(task) for task in tasks]))


@router.post("/taskDetail")
async def task_detail(body: TaskRequest, _: Operator, operations: Ops) -> Ok[TaskDetail]:
    """One message with every try and every change of its state."""
    task, attempts, transitions = await operations.history(body.id)
    return Ok(
        data=TaskDetail(
            task=_task(task),
            attempts=[Attempt.model_validate(each, from_attributes=True) for each in attempts],
            transitions=[Transition.model_validate(each, from_attributes=True) for each in transitions],
        )
    )


@router.post("/taskResend")
async def task_resend(body: TaskRequest, operator: Operator, operations: Ops) -> Ok[Task]:
    """A refused or dead message is tried again from the start; what was tried stays on record."""
    return Ok(data=_task(await operations.resend(body.id, operator.user_id)))


def _task(row: NotificationTask) -> Task:
    waiting = row.state == TaskState.PENDING
    shown = Task.model_validate(row, from_attributes=True)
    return shown if waiting else shown.model_copy(update={"next_attempt_at": None})
