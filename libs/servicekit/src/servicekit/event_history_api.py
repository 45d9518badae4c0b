"""Operators' endpoints on the events of one key, the same in every service: `publishedEvents` and `receivedEvents`."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from servicekit.auth import Operator
from servicekit.event_history import MOST, EventHistory
from servicekit.operations import LetterState
from servicekit.schemas import ApiModel, Ok, Text


async def _history(request: Request) -> EventHistory:
    history: EventHistory = request.app.state.event_history
    return history


History = Annotated[EventHistory, Depends(_history)]
Key = Annotated[Text, Field(min_length=1, max_length=256)]


class KeyQuery(ApiModel):
    """`key`: the number of the order that the events are about."""

    key: Key


class EventRef(ApiModel):
    source: Key
    event_id: Key


class ReceivedQuery(ApiModel):
    events: Annotated[list[EventRef], Field(min_length=1, max_length=MOST)]


class PublishedEvent(ApiModel):
    """`publishedAt` null: it waits to be published, `lastError` says why. `traceId`: 32 hex digits, or empty."""

    source: str
    event_id: str
    topic: str
    type: str
    subject: str
    created_at: datetime
    published_at: datetime | None
    attempts: int
    last_error: str | None
    trace_id: str

    @classmethod
    def of(cls, row: Any) -> Self:
        event = row["event"]
        return cls.model_validate(
            dict(row)
            | {name: event.get(name, "") for name in ("source", "type", "subject")}
            | {"trace_id": event.get("traceparent", "")[3:35]}
        )


class PublishedEvents(ApiModel):
    """`keepDays`: how long an event is kept that was published; older ones are in no list."""

    list: list[PublishedEvent]
    keep_days: int


class ReceivedEvent(ApiModel):
    source: str
    event_id: str
    received_at: datetime


class LetterOfEvent(ApiModel):
    """`id` and `state` as in deadLetterList."""

    id: int
    source: str
    event_id: str
    topic: str
    state: LetterState
    reason: str | None
    received_at: datetime


class ReceivedEvents(ApiModel):
    """Of the events asked for: `taken` took effect here; `letters` are or were dead letters here; no others came."""

    taken: list[ReceivedEvent]
    letters: list[LetterOfEvent]


@cache
def event_history_router(service: str, *, has_outbox: bool) -> APIRouter:
    router = APIRouter(prefix=f"/{service}/v1/ops", tags=["operations"])

    @router.post("/receivedEvents")
    async def received_events(body: ReceivedQuery, _: Operator, history: History) -> Ok[ReceivedEvents]:
        """When events took effect here, for following one from its publisher."""
        taken, letters = await history.received([(each.source, each.event_id) for each in body.events])
        return Ok(
            data=ReceivedEvents(
                taken=[ReceivedEvent.model_validate(dict(row)) for row in taken],
                letters=[LetterOfEvent.model_validate(dict(row)) for row in letters],
            )
        )

    if has_outbox:

        @router.post("/publishedEvents")
        async def published_events(body: KeyQuery, _: Operator, history: History) -> Ok[PublishedEvents]:
            """The events about one order, oldest first: when each was written and when it was published."""
            events = [PublishedEvent.of(row) for row in await history.published(body.key)]
            return Ok(data=PublishedEvents(list=events, keep_days=history.keep_days))

    return router
