"""Operators and dead letters: list, replay, discard, and the audit log of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from servicekit import inbox
from servicekit.acts import operator_act
from servicekit.app import build
from servicekit.deadletters import DeadLetters, dead_letter
from servicekit.errors import DatabaseUnavailable, Poison
from servicekit.events import Consumer, EventData
from servicekit.outbox import OutgoingEvent, outbox, publish_later
from servicekit.relay import Relay
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, client

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
OPERATOR = 9


class Data(EventData):
    n: int


class Handler:
    """Applies each event once, by the inbox; raises `trouble` instead while it is set."""

    def __init__(self, db):
        self.db, self.trouble, self.took = db, None, []

    async def __call__(self, event, data):
        async with self.db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            if self.trouble:
                raise self.trouble
        self.took.append(data.n)


def envelope(n):
    return {"id": f"e-{n}", "source": "minsu/test", "type": "t", "data": {"n": n}}


class OperatorClient:
    """Calls the operations API as an operator."""

    def __init__(self, http, tokens, letters, handler):
        self.http, self.tokens, self.letters, self.handler = http, tokens, letters, handler

    async def ask(self, name, body, *roles):
        headers = self.tokens.bearer(OPERATOR, *(roles or ("operator",)))
        return await self.http.post(f"/anything/v1/ops/{name}", json=body, headers=headers)

    async def data(self, name, body):
        answer = await self.ask(name, body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def poisoned(self, n):
        """Make a letter poison. Returns its id."""
        self.handler.trouble = Poison("cannot be")
        await self.letters.keep("topic", json.dumps(envelope(n)).encode())
        assert await self.letters.reapply() == {"applied": 0, "waiting": 0, "poison": 1}
        self.handler.trouble = None
        return (await self.data("deadLetterList", {"pageSize": 1}))["list"][0]["id"]


@pytest.fixture
async def operator(db, database_url):
    handler = Handler(db)
    letters = DeadLetters(
        db=db, clock=lambda: NOW, app_id="anything", consumers=[Consumer("topic", "/events/topic", Data, handler)]
    )
    tokens, sidecar = Tokens(), FakeSidecar()
    app = build(
        "servicekit",
        ServiceSettings(APP_API_TOKEN=APP_TOKEN),
        routers=[],
        sidecar=sidecar,
        verifier=tokens.verifier(),
        clock=lambda: NOW,
        db=db,
        dead_letters=letters,
    )
    from servicekit.operations_api import operations_router

    app.include_router(operations_router("anything", has_outbox=True))
    async with client(app) as http:
        yield OperatorClient(http, tokens, letters, handler)


async def rows(db, table):
    async with db.read() as session:
        return [dict(row) for row in (await session.execute(select(table).order_by(table.c.id))).mappings()]


async def acts_of(db):
    return [(act["operator_id"], act["act"], act["subject"], act["note"]) for act in await rows(db, operator_act)]


async def test_the_list_shows_the_newest_first_page_by_page_and_by_state(operator):
    first, second = [await operator.poisoned(n) for n in (1, 2)]
    await operator.letters.keep("topic", b"no json")
    listed = (await operator.data("deadLetterList", {}))["list"]
    assert [(each["id"], each["state"]) for each in listed] == [
        (second + 1, "waiting"),
        (second, "poison"),
        (first, "poison"),
    ]
    assert listed[1] == {
        "id": second,
        "topic": "topic",
        "source": "minsu/test",
        "eventId": "e-2",
        "state": "poison",
        "reason": "cannot be",
        "note": None,
        "attempts": 1,
        "receivedAt": listed[1]["receivedAt"],
        "nextAttemptAt": None,
        "endedAt": "2026-11-23T04:00:00Z",
    }
    assert (await operator.data("deadLetterList", {"lastId": second, "pageSize": 1}))["list"] == [listed[2]]
    assert (await operator.data("deadLetterList", {"state": "waiting"}))["list"] == listed[:1]


async def test_letters_are_found_by_a_number_that_their_event_names_whatever_its_age_and_state(operator, db):
    number, other = "HSO2026112309302600000001", "HSO2026112309302600000002"
    for n, named in ((1, number), (2, other), (3, number)):
        body = envelope(n) | {"data": {"n": "none", "orderSn": named}}
        await operator.letters.keep("topic", json.dumps(body).encode())
    await operator.letters.keep("topic", f"no json, {number}".encode())
    assert (await operator.letters.reapply())["poison"] == 4
    async with db.transaction() as tx:
        await tx.execute(
            update(dead_letter).where(dead_letter.c.event_id == "e-1").values(received_at=NOW - timedelta(400))
        )

    found = (await operator.data("deadLetterList", {"number": number}))["list"]
    assert [each["eventId"] for each in found[1:]] == ["e-3", "e-1"]
    assert found[0]["source"] == "unreadable"
    await operator.data("deadLetterDiscard", {"id": found[1]["id"], "note": "why"})
    poison = (await operator.data("deadLetterList", {"number": number, "state": "poison", "pageSize": 1}))["list"]
    assert [each["id"] for each in poison] == [found[0]["id"]]
    below = {"number": number, "state": "poison", "lastId": found[0]["id"]}
    assert [each["eventId"] for each in (await operator.data("deadLetterList", below))["list"]] == ["e-1"]
    assert (await operator.data("deadLetterList", {"number": "HSO2026112309302600000003"}))["list"] == []


@pytest.mark.parametrize("number", ["", "HSO1", "%", "HSO202611230930260000000%", "hso2026112309302600000001"])
async def test_what_is_no_number_of_ours_finds_no_letter_but_is_refused(operator, number):
    answer = await operator.ask("deadLetterList", {"number": number})
    assert (answer.status_code, answer.json()["field"]) == (422, "number")


async def test_a_replayed_letter_takes_effect_once_however_often_it_is_replayed(operator, db):
    letter = await operator.poisoned(1)
    for why in ("order is fixed", "again", "and again"):
        answer = await operator.data("deadLetterReplay", {"id": letter, "note": why})
        assert (answer["applied"], answer["letter"]["state"]) == (1, "applied")
    assert operator.handler.took == [1]
    assert await acts_of(db) == [(OPERATOR, "replay", f"dead-letter:{letter}", "order is fixed")]


async def test_a_replay_of_what_arrived_by_another_way_changes_nothing(operator):
    letter = await operator.poisoned(1)
    await operator.letters._consumers["topic"].apply(envelope(1))
    assert operator.handler.took == [1]
    assert (await operator.data("deadLetterReplay", {"id": letter, "note": "why"}))["letter"]["state"] == "applied"
    assert operator.handler.took == [1]


async def test_what_is_still_poison_stays_with_its_reason(operator, db):
    letter = await operator.poisoned(1)
    operator.handler.trouble = Poison("still not")
    answer = await operator.data("deadLetterReplay", {"id": letter, "note": "why"})
    assert (answer["poison"], answer["letter"]["state"], answer["letter"]["reason"]) == (1, "poison", "still not")
    operator.handler.trouble = DatabaseUnavailable("away")
    answer = await operator.data("deadLetterReplay", {"id": letter, "note": "why"})
    assert (answer["waiting"], answer["letter"]["state"]) == (1, "waiting")
    assert answer["letter"]["nextAttemptAt"] > "2026-11-23T04:00:00Z"
    assert len(await acts_of(db)) == 2


async def test_all_that_is_stuck_is_replayed_and_what_was_discarded_is_not(operator, db):
    given_up = await operator.poisoned(1)
    await operator.data("deadLetterDiscard", {"id": given_up, "note": "a test"})
    repaired = await operator.poisoned(2)
    await operator.letters.keep("topic", json.dumps(envelope(3)).encode())
    answer = await operator.data("deadLetterReplay", {"all": True, "note": "fixed"})
    assert answer == {"stuck": 2, "applied": 2, "poison": 0, "waiting": 0, "letter": None}
    assert operator.handler.took == [2, 3]
    assert [row["state"] for row in await rows(db, dead_letter)] == ["discarded", "applied", "applied"]
    assert (await operator.data("deadLetterReplay", {"all": True, "note": "why"}))["stuck"] == 0
    assert [act[1:] for act in await acts_of(db)] == [
        ("discard", f"dead-letter:{given_up}", "a test"),
        ("replay", f"dead-letter:{repaired}", "fixed"),
        ("replay", f"dead-letter:{repaired + 1}", "fixed"),
    ]


async def test_a_discarded_letter_keeps_its_note_and_can_be_neither_replayed_nor_discarded_again(operator, db):
    letter = await operator.poisoned(1)
    answer = await operator.data("deadLetterDiscard", {"id": letter, "note": " the order never was "})
    assert (answer["state"], answer["note"]) == ("discarded", "the order never was")
    before = await rows(db, dead_letter), await acts_of(db)
    for name, body in (
        ("deadLetterReplay", {"id": letter, "note": "why"}),
        ("deadLetterDiscard", {"id": letter, "note": "again"}),
    ):
        refused = await operator.ask(name, body)
        assert (refused.status_code, refused.json()["code"]) == (409, 100114)
    assert (await rows(db, dead_letter), await acts_of(db)) == before
    shown = await operator.data("deadLetterDetail", {"id": letter})
    assert json.loads(shown["body"]) == envelope(1)
    assert [(act["act"], act["operatorId"], act["note"]) for act in shown["acts"]] == [
        ("discard", OPERATOR, "the order never was")
    ]
    headers = operator.tokens.bearer(OPERATOR, "operator")
    listed = await operator.http.post("/servicekit/v1/ops/actList", json={}, headers=headers)
    assert listed.json()["data"]["list"] == shown["acts"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("deadLetterReplay", {"note": "why"}),
        ("deadLetterReplay", {"id": 1, "all": True, "note": "why"}),
        ("deadLetterReplay", {"all": "true", "note": "why"}),
        ("deadLetterReplay", {"id": 0, "note": "why"}),
        ("deadLetterReplay", {"id": 1}),
        ("deadLetterReplay", {"all": True, "note": "\u3000"}),
        ("deadLetterDiscard", {"id": 1}),
        ("deadLetterDiscard", {"id": 1, "note": "   "}),
        ("deadLetterDiscard", {"id": 1, "note": "a\x00b"}),
        ("deadLetterDiscard", {"id": 1, "note": "n" * 501}),
        ("deadLetterList", {"state": "lost"}),
        ("deadLetterList", {"pageSize": 101}),
    ],
)
async def test_wrong_input_is_refused_and_changes_nothing(operator, db, name, body):
    letter = await operator.poisoned(1)
    assert letter == 1
    before = await rows(db, dead_letter)
    refused = await operator.ask(name, body)
    assert refused.status_code == 422
    assert refused.json()["field"]
    assert (await rows(db, dead_letter), await acts_of(db)) == (before, [])


@pytest.mark.parametrize("name", ["deadLetterList", "deadLetterReplay", "deadLetterDiscard", "outboxStatus"])
async def test_only_operators_may(operator, db, name):
    letter = await operator.poisoned(1)
    refused = await operator.ask(name, {"id": letter, "note": "n"}, "buyer", "merchant")
    assert refused.status_code == 403
    assert (await operator.http.post(f"/anything/v1/ops/{name}", json={})).status_code == 401
    assert [row["state"] for row in await rows(db, dead_letter)] == ["poison"]
    assert await acts_of(db) == []


@pytest.mark.parametrize("name", ["deadLetterReplay", "deadLetterDiscard", "deadLetterDetail"])
async def test_a_letter_that_is_not_there_is_said_so(operator, name):
    refused = await operator.ask(name, {"id": 77, "note": "n"})
    assert (refused.status_code, refused.json()["code"]) == (404, 100113)


async def test_the_outbox_tells_what_waits_since_when_and_why(operator, db):
    nothing = {"waiting": 0, "oldestSeconds": 0.0, "failing": 0, "lastPublishedAt": None, "oldest": []}
    assert await operator.data("outboxStatus", {}) == nothing
    async with db.transaction() as tx:
        for key in ("a", "b"):
            await publish_later(tx, OutgoingEvent("topic", key, "minsu.test.v1", "minsu/test", key, {}, NOW))
        await tx.execute(outbox.update().where(outbox.c.partition_key == "b").values(attempts=3, last_error="too big"))
        await tx.execute(outbox.update().values(created_at=text("now() - interval '90 seconds'")))
    status = await operator.data("outboxStatus", {})
    assert (status["waiting"], status["failing"]) == (2, 1)
    assert 90 <= status["oldestSeconds"] < 100
    assert [(each["partitionKey"], each["type"], each["attempts"], each["lastError"]) for each in status["oldest"]] == [
        ("a", "minsu.test.v1", 0, None),
        ("b", "minsu.test.v1", 3, "too big"),
    ]


async def test_a_broker_that_takes_nothing_leaves_its_reason_with_the_events(operator, db):
    async with db.transaction() as tx:
        await publish_later(tx, OutgoingEvent("topic", "a", "minsu.test.v1", "minsu/test", "a", {}, NOW))
    sidecar = FakeSidecar()
    await Relay(db, sidecar).publish_once()
    await sidecar.close()
    status = await operator.data("outboxStatus", {})
    assert (status["waiting"], status["failing"]) == (1, 1)
    assert status["oldest"][0]["lastError"].startswith("sidecar: ")


async def test_two_operators_at_once_do_it_once(operator, db):
    import asyncio

    letter = await operator.poisoned(1)
    answers = await asyncio.gather(*(operator.ask("deadLetterReplay", {"id": letter, "note": "why"}) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert operator.handler.took == [1]
    assert [row["state"] for row in await rows(db, dead_letter)] == ["applied"]


async def test_a_letter_that_took_effect_while_it_was_discarded_is_said_to_be_applied(operator, db):
    letter = await operator.poisoned(1)
    await operator.data("deadLetterDiscard", {"id": letter, "note": "too late"})
    await operator.letters._record(letter, "waiting", "slow", 1)
    assert [row["state"] for row in await rows(db, dead_letter)] == ["discarded"]
    await operator.letters._record(letter, "applied", None, 1)
    [row] = await rows(db, dead_letter)
    assert (row["state"], row["note"]) == ("applied", "too late")


async def test_a_letter_under_way_does_not_fall_back_when_the_slower_try_fails(operator, db):
    letter = await operator.poisoned(1)
    await operator.letters._record(letter, "applied", None, 1)
    await operator.letters._record(letter, "poison", "late", 1)
    [row] = await rows(db, dead_letter)
    assert (row["state"], row["reason"]) == ("applied", None)
    assert row["ended_at"] - NOW == timedelta(0)


async def test_a_letter_under_way_is_replayed_at_once_and_by_cron_when_its_lease_ends(operator, db):
    await operator.letters.keep("topic", json.dumps(envelope(1)).encode())
    [leased] = await operator.letters._claim(1, None)
    [shown] = (await operator.data("deadLetterList", {}))["list"]
    assert (shown["attempts"], shown["nextAttemptAt"]) == (1, "2026-11-23T04:02:00Z")
    assert sum((await operator.letters.reapply()).values()) == 0
    assert (await operator.data("deadLetterReplay", {"id": leased["id"], "note": "why"}))["letter"][
        "state"
    ] == "applied"
    [row] = await rows(db, dead_letter)
    assert (row["state"], row["tries"], row["leased_until"]) == ("applied", 2, None)
