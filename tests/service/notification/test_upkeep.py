"""Dead letters, the inbox's end, the migration, health."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine

from notification.events import REFUND_UPDATED_TOPIC, TRADE_STATE_TOPIC
from servicekit import inbox, migrate
from servicekit.db import Database
from servicekit.testing import SIDECAR_HEADERS
from tests.service.notification.conftest import SN, Service, World, event
from tests.support.postgres import PostgresServer

LETTERS = f"/events/dead-letters/{TRADE_STATE_TOPIC}"


async def reapply(service: Service) -> int:
    response = await service.http.post("/jobs/notification-reapply-dead-letters", headers=SIDECAR_HEADERS)
    assert response.status_code == 200
    await service.courier.idle()
    claimed: int = response.json()["claimed"]
    return claimed


async def test_the_dead_letter_topic_is_subscribed(service: Service) -> None:
    response = await service.http.get("/dapr/subscribe", headers=SIDECAR_HEADERS)
    assert [(each["pubsubname"], each["topic"], each["route"]) for each in response.json()] == [
        ("pubsub", f"{TRADE_STATE_TOPIC}.notification.dlq", LETTERS),
        ("pubsub", f"{REFUND_UPDATED_TOPIC}.notification.dlq", f"/events/dead-letters/{REFUND_UPDATED_TOPIC}"),
    ]


async def test_a_dead_letter_is_applied_once_the_time_is_better(service: Service) -> None:
    for _ in range(2):
        answer = await service.http.post(LETTERS, json=event(1, event_id="e-1"), headers=SIDECAR_HEADERS)
        assert answer.json() == {"status": "SUCCESS"}
    assert service.rows("select * from notification_task") == []
    assert await reapply(service) == 1
    assert service.states() == {"paid": "sent", "before_arrival": "sent"}
    assert [row["state"] for row in service.rows("select state from dead_letter")] == ["applied"]
    assert await service.hears(1, event_id="e-1") == "SUCCESS"
    assert len(service.wechat.sends) == 2


async def test_letters_that_no_row_could_index_are_kept_as_poison(service: Service) -> None:
    bodies = [json.dumps(event(1, event_id=odd)) for odd in ("a\x00b", "x" * 9000)]
    for body in [*bodies, "no json"]:
        answer = await service.http.post(LETTERS, content=body, headers=SIDECAR_HEADERS)
        assert answer.json() == {"status": "SUCCESS"}
    assert await reapply(service) == 3
    assert [row["state"] for row in service.rows("select state from dead_letter")] == ["poison"] * 3
    assert service.rows("select * from notification_task") == []


async def test_old_events_leave_the_inbox(service: Service, world: World) -> None:
    await service.hears(-1, event_id="new")
    service.execute("insert into inbox values ('minsu/order', 'old', now() - interval '31 days')")
    database = Database(world.database_url)
    await inbox.prune(database)
    await database.close()
    assert service.rows("select event_id from inbox") == [{"event_id": "new"}]


async def test_the_migration_makes_what_the_models_say(world: World) -> None:
    await asyncio.to_thread(migrate.check, "notification", world.database_url)


def new_task(connection: psycopg.Connection[Any], kind: str, due: str = "due_at") -> None:
    connection.execute(
        f"insert into notification_task (order_sn, kind, {due}, give_up_at) values ('HSO1', %s, now(), now())".encode(),  # noqa: S608
        (kind,),
    )


def test_a_database_of_the_version_before_learns_of_refunds_and_keeps_its_tasks(postgres: PostgresServer) -> None:
    url = postgres.create(f"notification_{uuid4().hex[:12]}")
    with create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool).connect() as old:
        command.upgrade(migrate.configuration("notification", old), "0002")
    with psycopg.connect(url, autocommit=True) as connection:
        new_task(connection, "paid", "next_attempt_at")
        with pytest.raises(psycopg.errors.CheckViolation):
            new_task(connection, "refunded", "next_attempt_at")
        migrate.upgrade("notification", url)
        new_task(connection, "refunded")
        with pytest.raises(psycopg.errors.CheckViolation):
            new_task(connection, "birthday")
        kinds = connection.execute("select kind, state from notification_task order by id").fetchall()
    assert kinds == [("paid", "pending"), ("refunded", "pending")]


def test_ends_of_the_version_before_are_told_apart_and_it_is_written_down(postgres: PostgresServer) -> None:
    url = postgres.create(f"notification_{uuid4().hex[:12]}")
    with create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool).connect() as old:
        command.upgrade(migrate.configuration("notification", old), "0004")
    ended = [
        ("refused", "43101 user refuse to accept the msg rid: 1"),
        ("refused", "40003 invalid openid rid: 2"),
        ("refused", "40037 invalid template_id rid: 3"),
        ("refused", "41030 invalid page rid: 4"),
        ("refused", "47003 argument invalid! data.thing1.value invalid rid: 5"),
        ("refused", "does not fit the template: 0 characters that a character_string cannot carry"),
        ("refused", "no openid: the user has never signed in to the mini program"),
        ("dead", "gave up: -1 system error"),
        ("cancelled", "the order is in state 2 now"),
    ]
    with psycopg.connect(url, autocommit=True) as connection:
        for number, (state, reason) in enumerate(ended):
            connection.execute(
                "insert into notification_task (order_sn, kind, state, reason, next_attempt_at, give_up_at, version)"
                " values (%s, 'paid', %s, %s, now(), now(), 2)",
                (f"HSO{number}", state, reason),
            )
        migrate.upgrade("notification", url)
        tasks = connection.execute("select state, cause, version from notification_task order by id").fetchall()
        moves = connection.execute(
            "select order_sn, seq, from_state, to_state, n.reason, actor from notification_transition n"
            " join notification_task t on t.id = task_id order by task_id"
        ).fetchall()
    assert tasks == [
        ("refused", "user-refused", 2),
        ("invalid", "invalid-openid", 3),
        ("invalid", "invalid-template", 3),
        ("invalid", "invalid-page", 3),
        ("invalid", "invalid-argument", 3),
        ("invalid", "unrenderable", 3),
        ("refused", "no-openid", 2),
        ("dead", "gave-up", 2),
        ("cancelled", None, 2),
    ]
    assert moves == [
        (f"HSO{number}", 3, "refused", "invalid", ended[number][1], "migration 0005") for number in range(1, 6)
    ]


async def test_a_message_of_a_newer_version_is_left_to_it_and_holds_up_no_other(service: Service) -> None:
    service.execute("alter table notification_task drop constraint ck_notification_task_kind")
    try:
        service.plan(SN)
        service.execute("update notification_task set kind = 'birthday'")
        await service.hears(1)
        assert service.states() == {"birthday": "pending", "paid": "sent", "before_arrival": "sent"}
        assert service.task("birthday")["leased_until"] is None
    finally:
        service.execute("truncate notification_task cascade")
        kinds = "kind in ('paid', 'before_arrival', 'refunded', 'given_back', 'refund_asked')"
        service.execute(f"alter table notification_task add constraint ck_notification_task_kind check ({kinds})")


async def test_it_is_alive_and_ready(service: Service) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await service.http.get(path)).status_code == 200
