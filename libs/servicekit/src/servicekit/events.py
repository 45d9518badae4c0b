"""The Kafka edge: bulk deliveries in, SUCCESS / RETRY / DROP out.

A handler that returns has applied the event; one that raises Poison (or cannot read it) sends it to the dead letters; any
other error leaves it with the broker. Events of one key are handled in order, keys side by side; what a consumer can handle
together is handled by one transaction first.
"""

import asyncio
import contextlib
import time
from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Generic, TypeGuard, TypeVar

import structlog
from fastapi import APIRouter
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from servicekit import parsing
from servicekit.activity import Activity
from servicekit.error_texts import error_text
from servicekit.errors import Poison, Problem, Unavailable
from servicekit.schemas import Text
from servicekit.storable import is_suspect, shown, unstorable_member
from servicekit.telemetry import traces

log = structlog.get_logger()
HANDLED = Counter("events_handled_total", "Events by topic and outcome", ["topic", "outcome"])
DURATION = Histogram(
    "messaging_process_duration_seconds",
    "Time to handle events of a topic: one alone, or all that one transaction takes",
    ["topic", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DELAY = Histogram(
    "messaging_delivery_delay_seconds",
    "Time from an event to the end of its handling",
    ["topic"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)

D = TypeVar("D", bound=BaseModel)
CONSUMER = traces.SpanKind.CONSUMER
SUCCESS, RETRY, DROP = "SUCCESS", "RETRY", "DROP"
UNREADABLE = (ValueError, RecursionError)
"""What `json` raises for a body that no retry can make readable."""
PARALLEL_KEYS = 8

LARGEST_BATCH = 200
"""`maxMessagesCount` of every bulk subscription (dapr/subscriptions; a test holds them together)."""
LARGEST_EVENT_BYTES = 64 * 1024
"""One entry of a batch as the sidecar sends it, envelope and metadata included. Our own are below 8 KiB. A batch of larger
ones goes to the dead letters, which come one by one."""
LARGEST_DELIVERY_BYTES = LARGEST_BATCH * LARGEST_EVENT_BYTES + 16 * 1024
"""The body limit of /events/ in every service: a full batch of the largest events, and what stands around it."""


class EventData(BaseModel):
    """Base of the models of consumed event data: unknown members are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def whole(value: object) -> object:
    """For a `BeforeValidator` after a strict int's Field: JSON has one number type, `1.0` is the integer 1. Raises
    ValueError for a boolean."""
    if isinstance(value, bool):
        raise ValueError("a boolean is not an integer")
    return int(value) if isinstance(value, float) and value.is_integer() else value


EventKey = Annotated[Text, Field(min_length=1, max_length=256)]
"""What inbox and dead letters index: beyond this PostgreSQL refuses the row and the event comes back for ever."""


class CloudEvent(BaseModel):
    """The envelope (CloudEvents 1.0 §3.1), as far as a consumer needs it; `data` is read by the consumer's own model."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: EventKey
    source: EventKey
    type: str = ""
    subject: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    time: Any = None
    data: Any = None

    @property
    def context(self) -> traces.SpanContext:
        """Of the trace that it belongs to; traces.NO_CONTEXT where it is in none."""
        return traces.parsed(self.traceparent, self.tracestate)

    @property
    def trace(self) -> traces.TraceContext:
        """The same for the events and rows that follow from it."""
        return traces.passed_on(self.traceparent, self.tracestate)

    def within(self, span: traces.Span) -> "CloudEvent":
        """The event with the context of the span that handles it."""
        return self.model_copy(update=traces.written(span.get_span_context())._asdict())


@dataclass(frozen=True)
class Received(Generic[D]):
    """An event that could be read."""

    event: CloudEvent
    data: D


@dataclass(frozen=True)
class Consumer(Generic[D]):
    """What one service does with one topic. `handle` opens its own transaction and records the event in its inbox.

    `handle_plain` does the same for many events of different keys in one transaction, of any keys where `in_order` is False
    (the newest wins whatever comes last). It returns the positions that it took; the others are given to `handle`, one by
    one. Where it raises, it has taken none.

    `numbers` are the fields of the data that say in traces what an event is about (`minsu.order_sn`).
    """

    topic: str
    path: str
    data: type[D]
    handle: Callable[[CloudEvent, D], Awaitable[None]]
    handle_plain: Callable[[Sequence[Received[D]]], Awaitable[set[int]]] | None = None
    in_order: bool = True
    numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        DELAY.labels(self.topic)
        for outcome in (SUCCESS, RETRY, DROP):  # at 0 from the start, so that a rate sees the first one
            HANDLED.labels(self.topic, outcome)
            DURATION.labels(self.topic, outcome)

    def read(self, envelope: Any, *, suspect: bool = True) -> Received[D]:
        """Raises Poison when it can never be read. Its texts are looked at only where its bytes were `suspect`."""
        try:
            event = CloudEvent.model_validate(envelope)
            data = self.data.model_validate(event.data)
        except ValidationError as error:
            raise Poison(f"cannot be read: {error.error_count()} errors, first {error.errors()[0]['loc']}") from error
        if suspect and (member := unstorable_member(event.data)):
            raise Poison(f"cannot be stored: {shown(member)}")
        return Received(event, data)

    async def apply(self, envelope: Any) -> None:
        """Read and handle one event. Raises Poison when it can never be applied."""
        received = self.read(envelope)
        with traces.using(self._span(received)):
            await self.handle(received.event, received.data)
        self._count_delays([received.event])

    async def take_plain(self, entries: Sequence[dict[str, Any]], *, suspect: bool) -> set[str]:
        """Handle together what can be handled so; returns the entryIds that are done. `suspect` as in `read`."""
        if self.handle_plain is None:
            return set()
        times = Counts(_key(entry) for entry in entries)
        chosen: list[tuple[str, Received[D]]] = []
        for entry in entries:
            with contextlib.suppress(Poison):  # reported where it is handled alone
                if times[_key(entry)] == 1 or not self.in_order:
                    chosen.append((entry["entryId"], self.read(entry.get("event"), suspect=suspect)))
        if not chosen:
            return set()
        began = time.perf_counter()
        try:
            done = await self._handle_plain(self.handle_plain, [received for _, received in chosen])
        except Unavailable:
            self._count(RETRY, len(entries), began)
            raise
        except Exception as error:  # noqa: BLE001 - one of them is at fault: each alone shows which
            log.warning("events are handled one by one", topic=self.topic, reason=error_text(error))
            return set()
        if done:
            self._count(SUCCESS, len(done), began)
            self._count_delays([chosen[place][1].event for place in done])
        return {chosen[place][0] for place in done}

    async def _handle_plain(
        self, handle: Callable[[Sequence[Received[D]]], Awaitable[set[int]]], received: Sequence[Received[D]]
    ) -> set[int]:
        """`handle` in one span with a link to each event. An event that is sampled has one in its own trace too, which what
        follows from the event belongs to."""
        if not traces.is_on():
            return await handle(received)
        contexts = [each.event.context for each in received]
        attributes = {**self._attributes, "messaging.batch.message_count": len(received)}
        with traces.batch(f"process {self.topic}", contexts, kind=CONSUMER, attributes=attributes) as whole:
            if len(received) == 1:
                whole.set_attributes(self._about(received[0]))
                return await handle([replace(received[0], event=received[0].event.within(whole))])
            spans = {
                place: self._span(each, links=[whole.get_span_context()])
                for place, each in enumerate(received)
                if contexts[place].trace_flags.sampled
            }
            done = await handle(
                [
                    replace(each, event=each.event.within(spans[place])) if place in spans else each
                    for place, each in enumerate(received)
                ]
            )
            for place in spans.keys() & done:  # the others are handled, and seen, alone
                spans[place].end()
            return done

    @property
    def _attributes(self) -> dict[str, str | int]:
        return {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": self.topic,
        }

    def _about(self, received: Received[D]) -> dict[str, str]:
        numbers = {f"minsu.{name}": str(getattr(received.data, name)) for name in self.numbers}
        return {"messaging.message.id": received.event.id, **numbers}

    def _span(self, received: Received[D], *, links: Sequence[traces.SpanContext] = ()) -> traces.Span:
        attributes = {**self._attributes, **self._about(received)} if traces.is_on() else None
        name = f"process {self.topic}"
        return traces.begin(name, received.event.context, kind=CONSUMER, links=links, attributes=attributes)

    async def outcome(self, envelope: Any) -> str:
        """`apply` as one of the sidecar's statuses. Of all errors Poison alone is dropped: anything else, a ValueError of
        the handler too, may pass (a deployment under way), and the broker retries it before it becomes a dead letter."""
        began = time.perf_counter()
        outcome = await self._attempt(envelope)
        self._count(outcome, 1, began)
        return outcome

    async def _attempt(self, envelope: Any) -> str:
        try:
            received = self.read(envelope)
        except Poison as error:
            return self._poison(error)
        with traces.using(self._span(received)) as span:
            outcome = await self._outcome_of(received)
            if outcome != SUCCESS:
                traces.fail(span, outcome)
            return outcome

    async def _outcome_of(self, received: Received[D]) -> str:
        try:
            await self.handle(received.event, received.data)
        except Poison as error:
            return self._poison(error)
        except Unavailable as error:
            log.warning("event is retried", topic=self.topic, reason=str(error))
            return RETRY
        except Problem as error:
            log.exception("event was refused", topic=self.topic, reason=str(error))
            return RETRY
        except Exception:
            log.exception("event failed", topic=self.topic)
            return RETRY
        self._count_delays([received.event])
        return SUCCESS

    def _poison(self, error: Poison) -> str:
        log.error("event is poison", topic=self.topic, reason=str(error))
        return DROP

    def _count(self, outcome: str, events: int, began: float) -> None:
        HANDLED.labels(self.topic, outcome).inc(events)
        DURATION.labels(self.topic, outcome).observe(time.perf_counter() - began)

    def _count_delays(self, events: Sequence[CloudEvent]) -> None:
        """An event's time is its publisher's: one that cannot be read is left out."""
        now, delay = time.time(), DELAY.labels(self.topic)
        for event in events:
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                delay.observe(max(0.0, now - datetime.fromisoformat(event.time).timestamp()))


def bulk_routes(*consumers: Consumer[Any]) -> APIRouter:
    """A route for each consumer, for subscriptions with `bulkSubscribe.enabled`; single deliveries are taken as well."""
    router = APIRouter(include_in_schema=False)
    for consumer in consumers:
        route = Route(consumer.path, Deliveries(consumer), methods=["POST"], include_in_schema=False)
        router.routes.append(route)
    return router


def direct_deliveries(routers: Sequence[APIRouter]) -> dict[str, "Deliveries"]:
    """The endpoints of `bulk_routes` among the routers, by path: `app.build` serves them past FastAPI."""
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
    return {route.path: route.endpoint for route in routes if isinstance(route.endpoint, Deliveries)}


class Deliveries:
    """Raw ASGI for the deliveries of one topic: FastAPI's layers cost more than a dozen events. What became of each is
    noted in the process's `activity`, which operators read."""

    def __init__(self, consumer: Consumer[Any]) -> None:
        self._consumer = consumer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        document = (await receive())["body"]  # whole: the gatekeeper has read it
        # None in an app that was not made by app.build.
        answer = await self._take(document, getattr(scope["app"].state, "activity", None))
        content = to_json(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _take(self, document: bytes, activity: Activity | None) -> dict[str, Any]:
        """The sidecar's answer: a status for each entry, or one for what is no bulk."""
        try:
            body, readable = parsing.parsed(document), True
        except UNREADABLE:
            body, readable = None, False
        if not isinstance(body, dict) or not _is_bulk(body.get("entries")):
            status = await self._consumer.outcome(body) if readable else DROP
            if activity is not None:
                activity.handled(self._consumer.topic, [] if status == RETRY else [None], retried=status == RETRY)
            return {"status": status}
        entries = body["entries"]
        statuses = await self._statuses(entries, suspect=is_suspect(document))
        if activity is not None:
            left = {each["entryId"] for each in statuses if each["status"] == RETRY}
            handled = [each.get("event") for each in entries if each["entryId"] not in left]
            activity.handled(self._consumer.topic, handled, retried=bool(left))
        return {"statuses": statuses}

    async def _statuses(self, entries: Sequence[dict[str, Any]], *, suspect: bool) -> list[dict[str, str]]:
        """Together what can be handled so, the rest by key."""
        consumer = self._consumer
        try:
            done = await consumer.take_plain(entries, suspect=suspect)
        except Unavailable as error:
            log.warning("events are retried", topic=consumer.topic, count=len(entries), reason=str(error))
            return [{"entryId": entry["entryId"], "status": RETRY} for entry in entries]
        lanes: dict[str, list[dict[str, Any]]] = {}
        for entry in entries:
            if entry["entryId"] not in done:
                lanes.setdefault(_key(entry), []).append(entry)
        gate = asyncio.Semaphore(PARALLEL_KEYS)
        answers = await asyncio.gather(*(_lane(consumer, lane, gate) for lane in lanes.values()))
        settled = [{"entryId": entry_id, "status": SUCCESS} for entry_id in done]
        return settled + [status for lane in answers for status in lane]


def _is_bulk(entries: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(entries, list) and all(
        isinstance(each, dict) and isinstance(each.get("entryId"), str) for each in entries
    )


def _key(entry: dict[str, Any]) -> str:
    metadata = entry.get("metadata")
    return str((metadata.get("__key") if isinstance(metadata, dict) else "") or entry["entryId"])


async def _lane(consumer: Consumer[Any], lane: list[dict[str, Any]], gate: asyncio.Semaphore) -> list[dict[str, str]]:
    statuses = []
    waits = False
    async with gate:
        for entry in lane:
            status = RETRY if waits else await consumer.outcome(entry.get("event"))
            waits = waits or status == RETRY  # what comes after it under the same key must not overtake it
            statuses.append({"entryId": entry["entryId"], "status": status})
    return statuses
