"""Rate, errors and duration of each topic, and how long events take from their publisher to the end of their handling."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from servicekit.activity import Activity
from servicekit.errors import Poison, Unavailable
from servicekit.events import Consumer, EventData, bulk_routes
from tests.support.metrics import Growth

HANDLED, DURATION, DELAY = (
    "events_handled_total",
    "messaging_process_duration_seconds",
    "messaging_delivery_delay_seconds",
)


def envelope(number, **more):
    return {"id": str(number), "source": "s", "data": {}} | more


async def deliver(consumer, *events):
    app = FastAPI()
    app.include_router(bulk_routes(consumer))
    entries = [{"entryId": event["id"], "event": event} for event in events]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as http:
        answer = await http.post("/events/t", json={"entries": entries})
    return [each["status"] for each in answer.json()["statuses"]]


@pytest.mark.parametrize(
    ("error", "outcome"), [(None, "SUCCESS"), (Poison("x"), "DROP"), (Unavailable("x"), "RETRY"), (OSError(), "RETRY")]
)
async def test_an_event_that_is_handled_alone_is_one_of_its_outcome(error, outcome):
    async def handle(_event, _data):
        if error is not None:
            raise error

    consumer = Consumer("alone", "/events/t", EventData, handle)
    grown = {
        each: (Growth(HANDLED, topic="alone", outcome=each), Growth(f"{DURATION}_count", topic="alone", outcome=each))
        for each in ("SUCCESS", "DROP", "RETRY")
    }
    assert await deliver(consumer, envelope(1)) == [outcome]
    counts = {each: (events(), handlings()) for each, (events, handlings) in grown.items()}
    assert counts == {"SUCCESS": (0, 0), "DROP": (0, 0), "RETRY": (0, 0)} | {outcome: (1, 1)}


async def test_a_batch_is_many_events_and_one_duration():
    async def never(_event, _data):
        raise AssertionError("they are handled together")

    async def together(received):
        return set(range(len(received)))

    consumer = Consumer("batch", "/events/t", EventData, never, together)
    events = Growth(HANDLED, topic="batch", outcome="SUCCESS")
    durations = Growth(f"{DURATION}_count", topic="batch", outcome="SUCCESS")
    delays = Growth(f"{DELAY}_count", topic="batch")
    now = datetime.now(UTC).isoformat()
    assert await deliver(consumer, *(envelope(number, time=now) for number in range(3))) == ["SUCCESS"] * 3
    assert (events(), durations(), delays()) == (3, 1, 3)


async def test_a_batch_that_is_retried_counts_all_of_it():
    async def together(_received):
        raise Unavailable("no database")

    consumer = Consumer("away", "/events/t", EventData, None, together)
    events = Growth(HANDLED, topic="away", outcome="RETRY")
    assert await deliver(consumer, envelope(1), envelope(2)) == ["RETRY", "RETRY"]
    assert events() == 2


async def test_the_delay_counts_from_the_events_time_to_the_end_of_its_handling():
    async def handle(_event, _data):
        return None

    consumer = Consumer("late", "/events/t", EventData, handle)
    early, late = (Growth(f"{DELAY}_bucket", topic="late", le=bound) for bound in ("10.0", "30.0"))
    ago = (datetime.now(UTC) - timedelta(seconds=20)).isoformat().replace("+00:00", "Z")
    assert await deliver(consumer, envelope(1, time=ago)) == ["SUCCESS"]
    assert (early(), late()) == (0, 1)


@pytest.mark.parametrize("time", [None, 7, "soon", "0001-01-01T00:00:00+23:59"])
async def test_a_time_that_cannot_be_read_harms_no_event(time):
    async def handle(_event, _data):
        return None

    consumer = Consumer("odd", "/events/t", EventData, handle)
    count = Growth(f"{DELAY}_count", topic="odd")
    assert await deliver(consumer, envelope(1, time=time)) == ["SUCCESS"]
    assert count() in {0, 1}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "never", 5])
async def test_a_time_that_cannot_be_told_changes_nothing_of_the_answer(moment):
    handled = []

    async def handle(event, _data):
        handled.append(event.id)

    app = FastAPI()
    app.state.activity = Activity(lambda: datetime(2026, 11, 23, tzinfo=UTC), port=1, version="0")
    app.include_router(bulk_routes(Consumer("t", "/events/t", EventData, handle)))
    entries = [{"entryId": event["id"], "event": event} for event in (envelope(1), envelope(2, time=moment))]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as http:
        answer = await http.post("/events/t", json={"entries": entries})

    first, _ = answer.json()["statuses"]
    assert first["status"] == "SUCCESS"
    assert handled[0] == "1"
