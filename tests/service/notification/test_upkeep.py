"""Dead letters, the inbox's end, the migration, health."""

import asyncio
import json

import psycopg
import pytest

from notification.events import REFUND_UPDATED_TOPIC, TRADE_STATE_TOPIC
from servicekit import inbox, migrate
from servicekit.db import Database
from servicekit.testing import SIDECAR_HEADERS
from tests.service.notification.conftest import SN, Service, World, event
from tests.support.postgres import as_owner

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
    await asyncio.to_thread(migrate.check, "notification", as_owner(world.database_url))


async def test_a_kind_that_the_models_do_not_name_is_refused_by_the_table(service: Service) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        service.execute(
            "insert into notification_task (order_sn, kind, due_at, give_up_at) values ('HSO1', 'birthday', now(), now())"
        )


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
