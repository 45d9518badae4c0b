"""Operators see what became of the messages about an order."""

from collections import Counter

from tests.service.notification.conftest import SN, Service
from tests.service.notification.operators import ask, data
from tests.service.notification.wechat import OPENID, PAID


async def test_the_steps_tell_each_message_from_its_plan_to_its_end(service: Service) -> None:
    service.wechat.quota.pop((OPENID, PAID))
    await service.hears(1)
    task_id = service.task("paid")["id"]
    await data(service, "taskResend", {"id": task_id, "note": "why"})

    told = await data(service, "messageSteps", {"orderSn": SN})

    assert sorted(each["kind"] for each in told["tasks"]) == ["before_arrival", "paid"]
    mine = [each for each in told["steps"] if each["number"] in {f"paid:{task_id}", f"task:{task_id}"}]
    assert Counter((each["what"], each["after"]) for each in mine) == {
        ("message_planned", None): 1,
        ("message_tried", "refused"): 2,
        ("message_state", "refused"): 2,
        ("message_state", "pending"): 1,
        ("act", "resend"): 1,
    }
    assert {each["detail"].split()[0] for each in mine if each["what"] == "message_tried"} == {"43101"}
    assert OPENID not in str(told)


async def test_an_order_without_messages_has_no_steps(service: Service) -> None:
    assert await data(service, "messageSteps", {"orderSn": SN}) == {"tasks": [], "steps": []}


async def test_only_operators_look(service: Service) -> None:
    assert (await ask(service, "messageSteps", {"orderSn": SN}, "buyer")).status_code == 403
