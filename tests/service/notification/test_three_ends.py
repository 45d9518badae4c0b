"""The user's no, our own mistake and WeChat's outage are three ends; ours is counted, and sent again when corrected."""

from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from tests.service.notification.conftest import SN, Service, World
from tests.service.notification.operators import ask, data
from tests.service.notification.wechat import OPENID, PAID, breaks, says

OURS = [
    (40003, "invalid-openid"),
    (40037, "invalid-template"),
    (41030, "invalid-page"),
    (47003, "invalid-argument"),
    (43107, "messages-banned"),
    (45168, "sensitive-content"),
]
WECHATS = [-1, 45009, 45011, 43108, 40038, 99999]


def rejections(cause: str) -> float:
    return REGISTRY.get_sample_value("notification_rejections_total", {"cause": cause}) or 0.0


def numbers(count: int) -> list[str]:
    return [f"HSO20261123093026{number:08d}" for number in range(count)]


@pytest.mark.parametrize(("errcode", "cause"), OURS)
async def test_our_mistake_ends_as_invalid_and_is_counted(world: World, errcode: int, cause: str) -> None:
    world.wechat.faults.append(says(errcode, "no rid: 1-2-3"))
    service = await world.start()
    service.plan(SN)
    before = rejections(cause)
    await service.tick()
    task = service.task("paid")
    assert (task["state"], task["cause"], task["reason"]) == ("invalid", cause, f"{errcode} no rid: 1-2-3")
    assert (service.outcomes("paid"), rejections(cause) - before) == (["invalid"], 1)
    assert await service.tick(days=2) == 0


async def test_the_users_no_is_no_mistake_of_ours(world: World) -> None:
    world.wechat.quota.clear()
    service = await world.start()
    service.plan(SN)
    before = {cause: rejections(cause) for _, cause in OURS}
    await service.tick()
    task = service.task("paid")
    assert (task["state"], task["cause"], service.outcomes("paid")) == ("refused", "user-refused", ["refused"])
    assert {cause: rejections(cause) for _, cause in OURS} == before


@pytest.mark.parametrize("errcode", WECHATS)
async def test_wechats_outage_is_tried_again_and_dead_in_the_end(world: World, errcode: int) -> None:
    world.wechat.faults.extend([says(errcode, "later")] * 2)
    service = await world.start(max_attempts=2)
    service.plan(SN)
    await service.tick()
    assert service.task("paid")["state"] == "pending"
    await service.tick(minutes=5)
    task = service.task("paid")
    assert (task["state"], task["cause"], task["reason"]) == ("dead", "gave-up", f"gave up: {errcode} later")
    assert service.outcomes("paid") == ["failed", "failed"]


def test_what_alerts_look_at_is_there_before_the_first_failure() -> None:
    for cause in (*(cause for _, cause in OURS), "invalid-account", "unrenderable"):
        assert REGISTRY.get_sample_value("notification_rejections_total", {"cause": cause}) is not None
    for kind in ("paid", "before_arrival", "refunded", "given_back", "refund_asked"):
        labels = {"kind": kind, "state": "dead"}
        assert REGISTRY.get_sample_value("notification_tasks_ended_total", labels) is not None


@pytest.mark.parametrize("errcode", [40013, 40125, 40164])
async def test_an_account_that_is_set_wrongly_is_counted_at_once_and_its_messages_wait(
    world: World, errcode: int
) -> None:
    world.wechat.token_faults.append(says(errcode, "invalid"))
    service = await world.start()
    service.plan(SN)
    before = rejections("invalid-account")
    await service.tick()
    assert (service.task("paid")["state"], rejections("invalid-account") - before) == ("pending", 1)
    await service.tick(minutes=1)
    assert service.task("paid")["state"] == "sent"


async def test_our_mistake_after_a_doubt_is_not_taken_for_a_delivery(world: World) -> None:
    world.wechat.faults.extend([breaks(httpx.ReadTimeout), says(40037, "invalid template_id")])
    service = await world.start()
    service.plan(SN)
    await service.tick()
    await service.tick(minutes=1)
    assert (service.task("paid")["state"], service.outcomes("paid")) == ("invalid", ["unknown", "invalid"])


async def test_after_the_template_is_corrected_all_of_that_reason_are_sent_again(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 1000
    wrong = await world.start(template_paid="template-of-yesterday")
    wrong.plan(*numbers(20))
    while await wrong.tick():
        pass
    world.wechat.faults.append(says(41030, "invalid page"))
    right = await world.start()
    right.plan("HSO2026112309302799999999")
    await right.tick()
    invalid = right.rows("select distinct state, cause, count(*) as n from notification_task group by 1, 2 order by 2")
    assert [(row["state"], row["cause"], row["n"]) for row in invalid] == [
        ("invalid", "invalid-page", 1),
        ("invalid", "invalid-template", 20),
    ]

    assert len((await data(right, "taskList", {"state": "invalid", "cause": "invalid-template"}))["list"]) == 20
    done = await data(right, "taskResendAll", {"state": "invalid", "cause": "invalid-template", "note": "fixed"})
    while await right.tick():
        pass

    assert done == {"resent": 20, "left": 0}
    states = right.rows("select state, count(*) as n from notification_task group by 1 order by 1")
    assert [(row["state"], row["n"]) for row in states] == [("invalid", 1), ("sent", 20)]
    told = [sent["data"]["character_string6"]["value"] for sent in world.wechat.sends]
    assert sorted(told) == numbers(20)
    [act] = right.rows("select operator_id, act, subject, note from operator_act")
    assert act == {
        "operator_id": 7, "act": "resend", "subject": "tasks:invalid:invalid-template", "note": "20 messages: fixed",
    }  # fmt: skip
    moves = right.rows(
        "select from_state, to_state, actor from notification_transition where task_id = %s order by seq",
        right.rows("select min(id) as id from notification_task")[0]["id"],
    )
    assert [(move["from_state"], move["to_state"], move["actor"]) for move in moves] == [
        ("pending", "invalid", "notification"),
        ("invalid", "pending", "operator:7"),
        ("pending", "sent", "notification"),
    ]


async def test_more_than_one_request_can_carry_are_told_as_left(service: Service, monkeypatch: Any) -> None:
    monkeypatch.setattr("notification.operations.MOST_AT_ONCE", 3)
    service.wechat.quota[OPENID, PAID] = 1000
    service.plan(*numbers(5))
    service.execute("update notification_task set state = 'dead', cause = 'gave-up'")
    first = await data(service, "taskResendAll", {"state": "dead", "note": "why"})
    second = await data(service, "taskResendAll", {"state": "dead", "kind": "paid", "note": "why"})
    third = await data(service, "taskResendAll", {"state": "dead", "note": "why"})
    assert (first, second, third) == (
        {"resent": 3, "left": 2},
        {"resent": 2, "left": 0},
        {"resent": 0, "left": 0},
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"note": "why"}, "state"),
        ({"state": "sent", "note": "why"}, "state"),
        ({"state": "pending", "note": "why"}, "state"),
        ({"state": "cancelled", "note": "why"}, "state"),
        ({"state": "invalid", "cause": "", "note": "why"}, "cause"),
        ({"state": "invalid", "kind": "birthday", "note": "why"}, "kind"),
        ({"state": "dead"}, "note"),
        ({"state": "dead", "note": " "}, "note"),
    ],
    ids=str,
)
async def test_only_what_stopped_can_be_resent_at_once(service: Service, body: dict[str, str], field: str) -> None:
    service.plan(SN)
    service.execute("update notification_task set state = 'dead'")
    before = service.task("paid")
    response = await ask(service, "taskResendAll", body)
    assert (response.status_code, response.json()["field"]) == (422, field)
    assert (service.task("paid"), service.rows("select * from operator_act")) == (before, [])


async def test_resending_at_once_is_for_operators(service: Service) -> None:
    service.plan(SN)
    service.execute("update notification_task set state = 'dead'")
    assert (
        await ask(service, "taskResendAll", {"state": "dead", "note": "why"}, "buyer", "merchant")
    ).status_code == 403
    assert service.task("paid")["state"] == "dead"
