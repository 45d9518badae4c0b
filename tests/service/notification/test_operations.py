"""What operators see of the messages, and sending one again."""

from typing import Any

import httpx
import pytest

from tests.service.notification.conftest import SN, Service, World
from tests.service.notification.operators import OPS, ask, data
from tests.service.notification.wechat import OPENID, PAID, breaks, says


async def test_the_list_shows_the_newest_first_page_by_page_and_by_state(service: Service) -> None:
    service.wechat.quota.pop((OPENID, PAID))
    await service.hears(1)
    both = (await data(service, "taskList", {}))["list"]
    assert [task["kind"] for task in both] == ["before_arrival", "paid"]
    assert both[1] == {
        "id": both[1]["id"],
        "orderSn": SN,
        "kind": "paid",
        "state": "refused",
        "reason": "43101 user refuse to accept the msg",
        "cause": "user-refused",
        "attempts": 1,
        "nextAttemptAt": None,
        "sentAt": None,
        "createdAt": "2026-11-23T01:31:20Z",
        "updatedAt": "2026-11-23T01:31:20Z",
        "version": 2,
    }
    assert (await data(service, "taskList", {"pageSize": 1}))["list"] == both[:1]
    assert (await data(service, "taskList", {"lastId": both[0]["id"], "pageSize": 1}))["list"] == both[1:]
    assert (await data(service, "taskList", {"state": "refused"}))["list"] == both[1:]
    assert (await data(service, "taskList", {"state": "dead"}))["list"] == []


async def test_a_refused_message_is_sent_again_once_the_guest_accepts(service: Service) -> None:
    service.wechat.quota.pop((OPENID, PAID))
    await service.hears(1)
    task_id = service.task("paid")["id"]
    service.wechat.quota[OPENID, PAID] = 1
    shown = await data(service, "taskResend", {"id": task_id, "note": "the guest called"})
    assert (shown["state"], shown["reason"]) == ("pending", "resend requested")
    [act] = service.rows("select act, subject, note from operator_act")
    assert act == {"act": "resend", "subject": f"task:{task_id}", "note": "the guest called"}
    detail = await data(service, "taskDetail", {"id": task_id})
    assert (detail["task"]["state"], detail["task"]["attempts"]) == ("sent", 2)
    assert [(each["seq"], each["outcome"], each["errcode"]) for each in detail["attempts"]] == [
        (1, "refused", 43101),
        (2, "accepted", 0),
    ]
    moves = [(each["fromState"], each["toState"], each["actor"]) for each in detail["transitions"]]
    assert moves == [
        ("pending", "refused", "notification"),
        ("refused", "pending", "operator:7"),
        ("pending", "sent", "notification"),
    ]


async def test_a_dead_message_begins_anew_with_all_its_tries(world: World) -> None:
    world.wechat.faults.extend([says(-1, "system error")] * 3)
    service = await world.start(max_attempts=2)
    service.plan(SN)
    await service.tick()
    await service.tick(hours=1)
    assert service.task("paid")["state"] == "dead"
    world.clock.move(days=3)
    await data(service, "taskResend", {"id": service.task("paid")["id"], "note": "why"})
    assert service.task("paid")["state"] == "pending"
    assert service.outcomes("paid") == ["failed"] * 3
    await service.tick(hours=1)
    assert service.task("paid")["state"] == "sent"


async def test_a_doubt_from_before_the_resend_still_means_delivered(world: World) -> None:
    world.wechat.faults.append(breaks(httpx.ReadTimeout, taken=True))
    service = await world.start(max_attempts=1)
    service.plan(SN)
    await service.tick()
    assert service.task("paid")["state"] == "dead"
    await data(service, "taskResend", {"id": service.task("paid")["id"], "note": "why"})
    assert service.task("paid")["state"] == "sent"
    assert service.outcomes("paid") == ["unknown", "presumed"]
    assert len(world.wechat.sends) == 1


async def test_a_resend_for_an_order_that_went_on_is_called_off(service: Service) -> None:
    service.wechat.quota.clear()
    await service.hears(1)
    service.sidecar.answer("order", "/internal/orderDetail", None, 500)
    task_id = service.task("paid")["id"]
    await data(service, "taskResend", {"id": task_id, "note": "why"})
    assert await service.hears(2) == "SUCCESS"
    assert service.states() == {"paid": "cancelled", "before_arrival": "refused"}


@pytest.mark.parametrize("state", ["sent", "pending", "cancelled"])
async def test_only_what_stopped_can_be_sent_again(service: Service, state: str) -> None:
    service.plan(SN)
    moment = service.clock.now if state == "sent" else None
    service.execute("update notification_task set state = %s, sent_at = %s", state, moment)
    before = service.task("paid")
    response = await ask(service, "taskResend", {"id": before["id"], "note": "why"})
    assert (response.status_code, response.json()["code"]) == (409, 100602)
    assert response.json()["msg"] == "当前状态的通知不能重发"
    assert service.task("paid") == before
    assert service.rows("select * from notification_transition") == []


async def test_a_task_that_is_not_there_is_not_found(service: Service) -> None:
    for name in ("taskResend", "taskDetail"):
        response = await ask(service, name, {"id": 2**63 - 1} | ({"note": "why"} if name == "taskResend" else {}))
        assert (response.status_code, response.json()["code"]) == (404, 100601)


async def test_operations_are_for_operators(service: Service) -> None:
    service.plan(SN)
    service.execute("update notification_task set state = 'dead'")
    before = service.task("paid")
    for name, body in (
        ("taskList", {}),
        ("taskDetail", {"id": before["id"]}),
        ("taskResend", {"id": before["id"], "note": "why"}),
    ):
        assert (await service.http.post(f"{OPS}/{name}", json=body)).status_code == 401
        assert (await ask(service, name, body, "buyer", "merchant")).status_code == 403
    assert service.task("paid") == before


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("taskList", {"pageSize": 0}, "pageSize"),
        ("taskList", {"pageSize": 101}, "pageSize"),
        ("taskList", {"pageSize": None}, "pageSize"),
        ("taskList", {"lastId": -1}, "lastId"),
        ("taskList", {"lastId": 2**63}, "lastId"),
        ("taskList", {"state": "lost"}, "state"),
        ("taskList", [], "body"),
        ("taskDetail", {}, "id"),
        ("taskResend", {"id": 0, "note": "why"}, "id"),
        ("taskResend", {"id": "1", "note": "why"}, "id"),
        ("taskResend", {"id": 2**63, "note": "why"}, "id"),
        ("taskResend", {"id": None, "note": "why"}, "id"),
        ("taskResend", {"id": 1}, "note"),
        ("taskResend", {"id": 1, "note": None}, "note"),
        ("taskResend", {"id": 1, "note": " \t"}, "note"),
    ],
    ids=str,
)
async def test_bad_input_is_named(service: Service, name: str, body: Any, field: str) -> None:
    response = await ask(service, name, body)
    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, 100002, field)
