"""An order is paid: its guest gets two messages, once each."""

import asyncio

import pytest

from servicekit.testing import SIDECAR_HEADERS
from tests.service.notification.conftest import SN, Service, World, event
from tests.service.notification.wechat import ARRIVAL, OPENID, PAID


async def test_a_paid_order_sends_both_messages_at_once(service: Service) -> None:
    assert await service.hears(1) == "SUCCESS"
    assert service.states() == {"paid": "sent", "before_arrival": "sent"}
    assert sorted(service.wechat.sends, key=lambda sent: sent["template_id"], reverse=True) == [
        {
            "touser": OPENID,
            "template_id": PAID,
            "data": {
                "character_string6": {"value": SN},
                "thing1": {"value": "西湖边的院子，推窗见山，步行五分钟到断…"},
                "amount2": {"value": "¥199.00"},
                "time4": {"value": "2026年12月1日 14:00"},
                "time5": {"value": "2026年12月3日 12:00"},
            },
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        },
        {
            "touser": OPENID,
            "template_id": ARRIVAL,
            "data": {
                "date2": {"value": "2026年12月1日"},
                "date3": {"value": "2026年12月3日"},
                "character_string4": {"value": "K7MP3WXR"},
                "thing1": {"value": "入住码仅向房东出示，请勿外泄"},
            },
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        },
    ]
    assert service.outcomes("paid") == service.outcomes("before_arrival") == ["accepted"]
    assert service.task("paid")["sent_at"] == service.clock.now


async def test_both_messages_share_one_access_token(service: Service) -> None:
    await service.hears(1)
    assert service.wechat.token_requests == [False]


async def test_the_same_event_again_sends_nothing_more(service: Service) -> None:
    for _ in range(3):
        assert await service.hears(1, event_id="e-1") == "SUCCESS"
    assert len(service.wechat.sends) == 2
    assert len(service.rows("select * from inbox")) == 1


async def test_another_event_of_the_same_fact_sends_nothing_more(service: Service) -> None:
    await service.hears(1)
    assert await service.hears(1) == "SUCCESS"
    assert len(service.wechat.asked) == 2
    assert len(service.rows("select * from notification_task")) == 2


async def test_the_same_event_on_two_replicas_at_once_makes_two_tasks(world: World) -> None:
    replicas = [await world.start(), await world.start()]
    answers = await asyncio.gather(*(each.hears(1, event_id="e-1") for each in replicas))
    assert answers == ["SUCCESS", "SUCCESS"]
    assert replicas[0].states() == {"paid": "sent", "before_arrival": "sent"}
    assert len(world.wechat.asked) == 2


async def test_a_batch_answers_for_each_of_its_entries(service: Service) -> None:
    other = "HSO2026112309302687654321"
    unreadable = {"entryId": "2", "event": {"id": "x", "source": "minsu/order", "data": {"orderSn": other}}}
    body = {
        "entries": [
            {"entryId": "1", "event": event(1), "metadata": {"__key": SN}},
            unreadable,
            {"entryId": "3", "event": event(2), "metadata": {"__key": SN}},
        ]
    }
    response = await service.http.post("/events/order-state", json=body, headers=SIDECAR_HEADERS)
    await service.courier.idle()
    statuses = {each["entryId"]: each["status"] for each in response.json()["statuses"]}
    assert statuses == {"1": "SUCCESS", "2": "DROP", "3": "SUCCESS"}


@pytest.mark.parametrize("trade_state", [2, 4, -1])
async def test_a_later_state_calls_off_what_is_not_sent(service: Service, trade_state: int) -> None:
    service.sidecar.answers.pop(("order", "/internal/orderDetail"))
    await service.hears(1)
    assert service.states() == {"paid": "pending", "before_arrival": "pending"}
    assert await service.hears(trade_state) == "SUCCESS"
    assert service.states() == {"paid": "cancelled", "before_arrival": "cancelled"}
    assert await service.tick(hours=1) == 0
    assert service.wechat.asked == []
    told = service.rows("select from_state, to_state, reason, actor from notification_transition")
    expected = {
        "from_state": "pending",
        "to_state": "cancelled",
        "reason": f"the order is in state {trade_state} now",
        "actor": "minsu/order",
    }
    assert told == [expected, expected]


async def test_a_later_state_leaves_what_was_sent(service: Service) -> None:
    await service.hears(1)
    before = service.rows("select * from notification_task order by id")
    await service.hears(2)
    assert service.rows("select * from notification_task order by id") == before


async def test_an_order_that_was_never_paid_leaves_no_task(service: Service) -> None:
    assert await service.hears(-1) == "SUCCESS"
    assert service.rows("select * from notification_task") == []


@pytest.mark.parametrize(
    "wrong",
    [{"tradeState": 0}, {"tradeState": 5}, {"tradeState": True}, {"tradeState": None}, {"orderSn": "PMT1"}],
    ids=str,
)
async def test_what_cannot_be_read_is_dropped_to_the_dead_letters(service: Service, wrong: dict[str, object]) -> None:
    assert await service.hears(1, **wrong) == "DROP"
    assert service.rows("select * from inbox") == service.rows("select * from notification_task") == []


async def test_the_sidecars_doors_are_shut_to_others(service: Service) -> None:
    for path in ("/events/order-state", "/jobs/notification-due", "/jobs/notification-reapply-dead-letters"):
        assert (await service.http.post(path, json=event(1))).status_code == 401
    assert service.rows("select * from notification_task") == []
