"""The chain over operators' acts: who alters, removes or reorders a row, with the rights of the tables' owner, is found."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import select

from servicekit import acts, security_log
from servicekit.act_chain import BEGINNING, digest
from servicekit.acts import operator_act
from servicekit.app import build
from servicekit.audit import INTACT, Audit, Flaw, Link
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, client

NOW = datetime(2026, 11, 23, 4, 0, 0, 123456, tzinfo=UTC)
NOTES = ["fixed", None, "房东来电：退款，再试；", "a:1,~", ""]


async def write(db, count=5):
    """Acts 1 … count, one transaction each."""
    for number in range(1, count + 1):
        async with db.transaction() as tx:
            note = NOTES[(number - 1) % len(NOTES)]
            await acts.record(tx, NOW + timedelta(seconds=number), 9, "replay", f"dead-letter:{number}", note=note)


async def rows(db):
    async with db.read() as session:
        return [
            dict(row) for row in (await session.execute(select(operator_act).order_by(operator_act.c.seq))).mappings()
        ]


def as_owner(url, *statements):
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


async def test_each_row_has_the_hash_of_itself_and_of_the_one_before_whatever_its_text_is(db):
    await write(db)
    written, previous = await rows(db), BEGINNING
    assert [row["seq"] for row in written] == [1, 2, 3, 4, 5]
    assert [row["note"] for row in written] == NOTES
    for row in written:
        assert row["hash"] == digest(previous, row)
        previous = row["hash"]
    found = await Audit(db=db).verify()
    assert (found.head, found.verified, found.complete, found.broken) == (
        Link(5, previous),
        Link(5, previous),
        True,
        None,
    )


def test_what_is_hashed_never_changes():
    """Stored hashes depend on it."""
    row = {
        "seq": 1,
        "id": 7,
        "operator_id": 9,
        "act": "replay",
        "subject": "dead-letter:7",
        "note": None,
        "acted_at": NOW,
    }
    assert digest(BEGINNING, row).hex() == "e073e61700d8614f2830e45e13e54a2ccc15a11743ed3129a1882af5f0513769"


async def test_an_empty_log_is_intact(db):
    found = await Audit(db=db).verify()
    assert (found.head, found.complete, found.broken) == (Link(0, bytes(32)), True, None)


async def test_a_writer_chooses_neither_its_place_nor_its_hash(db, database_url):
    await write(db, 1)
    as_owner(
        database_url,
        "insert into operator_act (operator_id, act, subject, acted_at, seq, hash)"
        " values (9, 'payout', 'day:2026-11-22', now(), 77, '\\x00')",
    )
    assert [row["seq"] for row in await rows(db)] == [1, 2]
    assert (await Audit(db=db).verify()).broken is None


async def test_what_is_rolled_back_leaves_no_gap(db):
    await write(db, 1)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await acts.record(tx, NOW, 9, "replay", "dead-letter:77")
            raise ZeroDivisionError
    async with db.transaction() as tx:
        await acts.record(tx, NOW, 9, "replay", "dead-letter:2", "dead-letter:3")
    written = await rows(db)
    assert [(row["seq"], row["subject"]) for row in written] == [
        (1, "dead-letter:1"),
        (2, "dead-letter:2"),
        (3, "dead-letter:3"),
    ]
    assert (await Audit(db=db).verify()).broken is None


async def test_writers_at_the_same_time_make_one_chain(db):
    async def write_one(number):
        async with db.transaction() as tx:
            await acts.record(tx, NOW, number, "replay", f"dead-letter:{number}", f"notice:{number}")

    await asyncio.gather(*(write_one(number) for number in range(40)))
    written = await rows(db)
    assert [row["seq"] for row in written] == list(range(1, 81))
    assert sorted(row["subject"] for row in written) == sorted(
        f"{kind}:{number}" for kind in ("dead-letter", "notice") for number in range(40)
    )
    found = await Audit(db=db).verify()
    assert (found.head.seq, found.broken) == (80, None)


REHASH_SECOND = (
    "update operator_act set hash = operator_act_hash((select hash from operator_act where seq = 1), operator_act)"
    " where seq = 2"
)
ONE_LATER = "update operator_act set acted_at = acted_at + interval '1 microsecond' where seq = 4"


async def test_what_concerns_a_person_is_in_the_security_log_once_it_is_committed(db):
    def events():
        kinds = ("personal_data_read", "personal_data_erased")
        return {kind: security_log.EVENTS.labels(kind)._value.get() for kind in kinds}

    before = events()
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await acts.record(tx, NOW, 9, "account-read", "user:7")
            raise ZeroDivisionError
    assert events() == before
    for act in ("account-read", "orders-read", "personal-data-export", "personal-data-erase", "replay"):
        async with db.transaction() as tx:
            await acts.record(tx, NOW, 9, act, "user:7")
    after = events()
    assert {kind: after[kind] - before[kind] for kind in after} == {"personal_data_read": 3, "personal_data_erased": 1}


BREAKING = {
    "altered": (["update operator_act set note = 'another' where seq = 3"], 3, Flaw.CHANGED),
    "altered time": (
        ["update operator_act set acted_at = acted_at + interval '1 microsecond' where seq = 4"],
        4,
        Flaw.CHANGED,
    ),
    "text moved from one column to the next": (
        ["update operator_act set act = 'replayd', subject = 'ead-letter:2' where seq = 2"],
        2,
        Flaw.CHANGED,
    ),
    "null made empty": (["update operator_act set note = '' where seq = 2"], 2, Flaw.CHANGED),
    "altered with a hash that fits": (
        [
            "update operator_act set operator_id = 1 where seq = 2",
            REHASH_SECOND,
        ],
        3,
        Flaw.CHANGED,
    ),
    "deleted": (["delete from operator_act where seq = 2"], 2, Flaw.MISSING),
    "deleted and closed up": (
        ["delete from operator_act where seq = 2", "update operator_act set seq = seq - 1 where seq = 3"],
        2,
        Flaw.CHANGED,
    ),
    "the first deleted": (["delete from operator_act where seq = 1"], 1, Flaw.MISSING),
    "the last deleted": (["delete from operator_act where seq = 5"], 5, Flaw.MISSING),
    "all deleted": (["delete from operator_act"], 1, Flaw.MISSING),
    "two exchanged": (
        [
            "update operator_act set seq = -seq where seq in (2, 3)",
            "update operator_act set seq = 5 + seq where seq in (-2, -3)",
        ],
        2,
        Flaw.CHANGED,
    ),
    "the head put back": (["update operator_act_head set seq = 4"], 5, Flaw.HEAD),
    "the head removed": (["delete from operator_act_head"], 5, Flaw.HEAD),
}


@pytest.mark.parametrize("how", BREAKING)
async def test_the_first_row_that_is_not_as_it_was_written_is_named(db, database_url, how):
    await write(db)
    statements, seq, flaw = BREAKING[how]
    as_owner(database_url, *statements)
    found = await Audit(db=db).verify()
    assert (found.broken, found.flaw, found.complete) == (seq, flaw, True)
    assert found.verified.seq == (5 if flaw is Flaw.HEAD else seq - 1)


async def test_a_chain_that_was_made_anew_is_found_by_a_head_that_was_exported_before(db, database_url):
    await write(db)
    audit = Audit(db=db)
    exported = (await audit.verify()).head
    async with db.transaction() as tx:
        await acts.record(tx, NOW, 9, "discard", "dead-letter:6")
    assert (await audit.verify(exported=exported)).broken is None
    as_owner(
        database_url,
        "create temporary table kept as select * from operator_act where subject <> 'dead-letter:2' order by seq",
        "delete from operator_act",
        "delete from operator_act_head",
        "insert into operator_act (id, operator_id, act, subject, note, acted_at)"
        " select id, operator_id, act, subject, note, acted_at from kept order by seq",
    )
    assert (await audit.verify()).broken is None
    found = await audit.verify(exported=exported)
    assert (found.broken, found.flaw) == (5, Flaw.EXPORT)


async def test_a_truncated_tail_is_found_by_a_head_that_was_exported_before(db, database_url):
    await write(db)
    audit = Audit(db=db)
    exported = (await audit.verify()).head
    as_owner(
        database_url,
        "delete from operator_act where seq > 3",
        "update operator_act_head set (seq, hash) = (select seq, hash from operator_act where seq = 3)",
    )
    assert (await audit.verify()).broken is None
    found = await audit.verify(exported=exported)
    assert (found.broken, found.flaw) == (5, Flaw.EXPORT)


async def test_a_long_log_is_verified_part_by_part(db, database_url):
    await write(db, 7)
    audit = Audit(db=db)
    first = await audit.verify(limit=3)
    assert (first.verified.seq, first.complete, first.head.seq, first.broken) == (3, False, 7, None)
    second = await audit.verify(after=3, limit=3)
    assert (second.verified.seq, second.complete) == (6, False)
    assert (await audit.verify(after=6, limit=3)).complete
    as_owner(database_url, "delete from operator_act where seq in (3, 6)")
    assert (await audit.verify(after=3)).broken == 3
    assert (await audit.verify(after=4)).broken == 6


async def test_the_hourly_check_tells_by_the_gauge_and_the_log(db, database_url, monkeypatch):
    monkeypatch.setattr("servicekit.audit.AT_ONCE", 2)
    audit = Audit(db=db)
    await write(db)
    await audit.watch()
    assert INTACT._value.get() == 1
    as_owner(database_url, "update operator_act set note = 'another' where seq = 5")
    await audit.watch()
    assert INTACT._value.get() == 0


@pytest.fixture
async def operator(db):
    tokens = Tokens()
    app = build(
        "servicekit",
        ServiceSettings(APP_API_TOKEN=APP_TOKEN),
        routers=[],
        sidecar=FakeSidecar(),
        verifier=tokens.verifier(),
        clock=lambda: NOW,
        db=db,
    )
    async with client(app) as http:

        async def ask(body, *roles):
            headers = tokens.bearer(9, *(roles or ("operator",)))
            return await http.post("/servicekit/v1/ops/auditVerify", json=body, headers=headers)

        yield ask


async def test_an_operator_asks_for_it(operator, db, database_url):
    await write(db)
    written = await rows(db)
    head = {"seq": 5, "hash": written[-1]["hash"].hex()}
    answer = await operator({})
    assert answer.json()["data"] == {
        "head": head,
        "verifiedSeq": 5,
        "complete": True,
        "brokenSeq": None,
        "flaw": None,
    }
    as_owner(database_url, "update operator_act set subject = 'dead-letter:9' where seq = 4")
    broken = (await operator({"afterSeq": 1})).json()["data"]
    assert broken == {"head": head, "verifiedSeq": 3, "complete": True, "brokenSeq": 4, "flaw": "changed"}
    exported = {"exportedSeq": 2, "exportedHash": "00" * 32}
    assert (await operator(exported | {"afterSeq": 4})).json()["data"]["flaw"] == "export"


@pytest.mark.parametrize(
    "body",
    [
        {"afterSeq": -1},
        {"exportedSeq": 2},
        {"exportedHash": "00" * 32},
        {"exportedSeq": 0, "exportedHash": "00" * 32},
        {"exportedSeq": 1, "exportedHash": "xy"},
    ],
)
async def test_wrong_input_is_refused(operator, body):
    assert (await operator(body)).status_code == 422


async def test_only_operators_may(operator):
    assert (await operator({}, "buyer", "merchant")).status_code == 403
