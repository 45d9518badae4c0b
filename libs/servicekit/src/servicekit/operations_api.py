"""Operators' endpoints on deliveries, the same in every service with consumers: `/<service>/v1/ops/…`."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Request
from pydantic import Field, StrictBool, model_validator

from servicekit.audit_api import Act
from servicekit.auth import Operator
from servicekit.due import next_claim_at
from servicekit.operations import DeadLetterEnded, DeadLetterNotFound, LetterState, Operations
from servicekit.problems import declared
from servicekit.schemas import ApiModel, Empty, LastId, Note, Ok, PageSize, RowId, Sn


async def _operations(request: Request) -> Operations:
    operations: Operations = request.app.state.operations
    return operations


Ops = Annotated[Operations, Depends(_operations)]


class LetterQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20
    state: LetterState | None = None
    number: Sn | None = Field(None, description="Letters alone whose event names this number, such as an order's")


class LetterRef(ApiModel):
    id: RowId


class Replay(ApiModel):
    """One letter by its `id`, or `all` that are stuck."""

    id: RowId | None = None
    all: StrictBool = False
    note: Note

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.id is None) is not self.all:
            msg = "give either id or all: true"
            raise ValueError(msg)
        return self


class Discard(ApiModel):
    id: RowId
    note: Note


class Letter(ApiModel):
    """`state`: waiting (retried automatically), applied, poison (needs an operator) or discarded."""

    id: int
    topic: str
    source: str
    event_id: str
    state: LetterState
    reason: str | None
    note: str | None
    attempts: int
    received_at: datetime
    next_attempt_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> Self:
        next_try = next_claim_at(row["due_at"], row["leased_until"])
        waits = row["state"] == LetterState.WAITING
        return cls.model_validate(
            dict(row) | {"attempts": row["tries"], "next_attempt_at": next_try if waits else None}
        )


class LetterList(ApiModel):
    list: list[Letter]


class LetterDetail(ApiModel):
    letter: Letter
    body: str
    acts: list[Act]


class Replayed(ApiModel):
    """`stuck` letters were made due; of those tried at once so many ended so. The rest are tried by cron."""

    stuck: int
    applied: int
    poison: int
    waiting: int
    letter: Letter | None = Field(description="The one that was asked for; null for all")


class WaitingEvent(ApiModel):
    id: int
    event_id: str
    topic: str
    partition_key: str
    type: str
    attempts: int
    last_error: str | None
    created_at: datetime


class OutboxStatus(ApiModel):
    waiting: int
    oldest_seconds: float
    failing: int
    last_published_at: datetime | None
    oldest: list[WaitingEvent]


@cache
def operations_router(service: str, *, has_outbox: bool) -> APIRouter:
    """Made once: half of what making an app costs."""
    router = APIRouter(prefix=f"/{service}/v1/ops", tags=["operations"])

    @router.post("/deadLetterList")
    async def dead_letter_list(body: LetterQuery, _: Operator, operations: Ops) -> Ok[LetterList]:
        """Newest first; `lastId` is the last row's id of the page before."""
        rows = await operations.page(last_id=body.last_id, limit=body.page_size, state=body.state, number=body.number)
        return Ok(data=LetterList(list=[Letter.of(row) for row in rows]))

    @router.post("/deadLetterDetail", responses=declared(DeadLetterNotFound))
    async def dead_letter_detail(body: LetterRef, _: Operator, operations: Ops) -> Ok[LetterDetail]:
        """One letter with the event as it came, and what operators did to it."""
        row, done = await operations.letter(body.id)
        shown = [Act.model_validate(dict(act)) for act in done]
        return Ok(data=LetterDetail(letter=Letter.of(row), body=row["body"], acts=shown))

    @router.post("/deadLetterReplay", responses=declared(DeadLetterNotFound, DeadLetterEnded))
    async def dead_letter_replay(body: Replay, operator: Operator, operations: Ops) -> Ok[Replayed]:
        """Try again, now. Safe to repeat: an event that took effect before takes none again."""
        if body.id is not None:
            letter = Letter.of(await operations.replay(operator.user_id, body.id, body.note))
            ended = {state: int(letter.state == state) for state in ("applied", "poison", "waiting")}
            return Ok(data=Replayed(stuck=1, letter=letter, **ended))
        stuck, counts = await operations.replay_all(operator.user_id, body.note)
        return Ok(data=Replayed(stuck=stuck, letter=None, **counts))

    @router.post("/deadLetterDiscard", responses=declared(DeadLetterNotFound, DeadLetterEnded))
    async def dead_letter_discard(body: Discard, operator: Operator, operations: Ops) -> Ok[Letter]:
        """Give one up; the note says why."""
        return Ok(data=Letter.of(await operations.discard(operator.user_id, body.id, body.note)))

    if has_outbox:

        @router.post("/outboxStatus")
        async def outbox_status(_body: Empty, _: Operator, operations: Ops) -> Ok[OutboxStatus]:
            """What waits to be published, since when, and why."""
            return Ok(data=OutboxStatus.model_validate(await operations.outbox()))

    return router
