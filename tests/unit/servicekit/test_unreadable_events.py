"""Events that no table could take are poison, deliveries of a wrong form are dropped: to the dead letters, never a 500."""

import httpx
import pytest
from fastapi import FastAPI

from servicekit.errors import Poison
from servicekit.events import Consumer, EventData, bulk_routes


class Fact(EventData):
    note: str


def consumer(heard):
    async def handle(_event, data):
        heard.append(data.note)

    return Consumer("topic", "/events/t", Fact, handle)


def envelope(note, event_id="1"):
    return {"id": event_id, "source": "s", "data": {"note": note}}


@pytest.mark.parametrize("note", ["\x00", "a\ud800"])
async def test_data_that_cannot_be_stored_is_poison(note):
    heard = []
    with pytest.raises(Poison, match="cannot be stored: note"):
        await consumer(heard).apply(envelope(note))
    assert heard == []


@pytest.mark.parametrize("event_id", ["\x00", "\udfff"])
async def test_an_id_that_cannot_be_stored_is_poison(event_id):
    heard = []
    with pytest.raises(Poison):
        await consumer(heard).apply(envelope("x", event_id))
    assert heard == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[" * 60_000,
        b"9" * 5000,
        b'{"entries": 1}',
        b'{"entries": [1]}',
        b'{"entries": [{"event": {}}]}',
        b'{"entries": {}}',
    ],
)
async def test_a_delivery_of_a_wrong_form_is_dropped(body):
    heard = []
    app = FastAPI()
    app.include_router(bulk_routes(consumer(heard)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as http:
        answer = await http.post("/events/t", content=body)
    assert (answer.status_code, answer.json()) == (200, {"status": "DROP"})
    assert heard == []


@pytest.mark.parametrize("bad", ['"\\ud800"', "1e400", "[" * 500 + "]" * 500])
async def test_a_good_entry_beside_one_that_a_strict_reader_refuses_is_taken(bad):
    heard = []
    app = FastAPI()
    app.include_router(bulk_routes(consumer(heard)))
    entries = ",".join(
        f'{{"entryId": "{name}", "event": {{"id": "{name}", "source": "s", "data": {{"note": {note}}}}}}}'
        for name, note in (("a", bad), ("b", '"good"'))
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as http:
        answer = await http.post("/events/t", content=f'{{"entries": [{entries}]}}')
    statuses = {each["entryId"]: each["status"] for each in answer.json()["statuses"]}
    assert (statuses, heard) == ({"a": "DROP", "b": "SUCCESS"}, ["good"])


async def test_a_good_entry_beside_a_bad_one_is_taken():
    heard = []
    app = FastAPI()
    app.include_router(bulk_routes(consumer(heard)))
    entries = [
        {"entryId": "a", "event": envelope("\x00"), "metadata": []},
        {"entryId": "b", "event": envelope("good", "2"), "metadata": {"__key": ["x"]}},
    ]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as http:
        answer = await http.post("/events/t", json={"entries": entries})
    statuses = {each["entryId"]: each["status"] for each in answer.json()["statuses"]}
    assert statuses == {"a": "DROP", "b": "SUCCESS"}
    assert heard == ["good"]
