"""What the span of an event follows from, alone and in a bulk delivery, and what follows from it."""

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.trace import SpanKind, StatusCode

from servicekit.errors import Poison, Unavailable
from servicekit.events import Consumer, EventData, bulk_routes
from servicekit.telemetry import traces
from tests.support.tracing import ids, links, recording

TOPIC = "payment-topic"
NAME = f"process {TOPIC}"


class Fact(EventData):
    order_sn: str


class Service:
    """A consumer that can handle together all but the orders in `alone`, and fails for those in `failing`."""

    def __init__(self):
        self.alone, self.failing, self.seen = set(), {}, {}
        consumer = Consumer(TOPIC, "/events/t", Fact, self.handle, self.handle_plain, numbers=("order_sn",))
        app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
        app.include_router(bulk_routes(consumer))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app")

    async def handle(self, _event, data):
        self.seen[data.order_sn] = traces.current()
        if data.order_sn in self.failing:
            raise self.failing[data.order_sn]

    async def handle_plain(self, received):
        taken = {place for place, each in enumerate(received) if each.data.order_sn not in self.alone}
        self.seen |= {received[place].data.order_sn: received[place].event.trace for place in taken}
        return taken

    async def deliver(self, *sns, flags="01"):
        entries = [
            {
                "entryId": sn,
                "event": {
                    "id": f"e{sn}", "source": "s", "data": {"order_sn": sn},
                    "traceparent": f"00-{int(sn):032x}-{int(sn):016x}-{flags}", "tracestate": "",
                },
            }
            for sn in sns
        ]  # fmt: skip
        response = await self.http.post("/events/t", json={"entries": entries})
        return {each["entryId"]: each["status"] for each in response.json()["statuses"]}


@pytest.fixture
def service():
    return Service()


def followed(span):
    """The context that what follows from `span` carries."""
    return traces.written(span.context)


async def test_an_event_that_comes_alone_is_the_next_step_of_its_trace(service):
    with recording(ratio=0) as recorded:
        assert await service.deliver("7") == {"7": "SUCCESS"}
    [span] = recorded.spans
    assert (span.name, span.kind, span.context.trace_id, span.parent.span_id) == (NAME, SpanKind.CONSUMER, 7, 7)
    assert dict(span.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": TOPIC,
        "messaging.batch.message_count": 1,
        "messaging.message.id": "e7",
        "minsu.order_sn": "7",
    }
    assert service.seen == {"7": followed(span)}


async def test_a_batch_is_one_span_with_a_link_to_each_event_and_each_has_its_own_step(service):
    service.alone = {"3"}
    with recording(ratio=0) as recorded:
        assert await service.deliver("1", "2", "3") == dict.fromkeys("123", "SUCCESS")
    [batch] = [span for span in recorded.spans if span.parent is None]
    assert links(batch) == {(1, 1), (2, 2), (3, 3)}
    assert batch.attributes["messaging.batch.message_count"] == 3
    own = {span.context.trace_id: span for span in recorded.spans if span.parent is not None}
    assert {trace: span.parent.span_id for trace, span in own.items()} == {1: 1, 2: 2, 3: 3}
    assert {trace: links(span) for trace, span in own.items()} == {1: {ids(batch)}, 2: {ids(batch)}, 3: set()}
    assert service.seen == {str(trace): followed(span) for trace, span in own.items()}


async def test_events_that_are_not_sampled_pass_their_contexts_on_unseen(service):
    with recording(ratio=1) as recorded:
        await service.deliver("1", "2", flags="00")
    assert recorded.spans == []
    assert {sn: trace.trace_id for sn, trace in service.seen.items()} == {"1": f"{1:032x}", "2": f"{2:032x}"}


async def test_without_an_sdk_contexts_pass_on_as_they_came(service):
    service.alone = {"2"}
    await service.deliver("1", "2")
    assert service.seen == {sn: traces.TraceContext(f"00-{sn:>032}-{sn:>016}-01", "") for sn in ("1", "2")}


@pytest.mark.parametrize(
    ("error", "status"),
    [(Unavailable("o-secret"), "RETRY"), (ValueError("o-secret"), "RETRY"), (Poison("o-secret"), "DROP")],
)
async def test_a_failure_is_kept_whatever_was_sampled(service, error, status):
    service.alone, service.failing = {"1"}, {"1": error}
    with recording(ratio=0) as recorded:
        assert await service.deliver("1", flags="00") == {"1": status}
    [span] = recorded.spans
    assert (span.name, span.context.trace_id, span.status.status_code) == (NAME, 1, StatusCode.ERROR)
    assert span.attributes["error.type"] == status
    assert "secret" not in span.to_json()
