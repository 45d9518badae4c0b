"""An order's money is back: its guest is told once, whatever comes in which order."""

import asyncio
import itertools
from typing import Any

import httpx
import pytest

from tests.service.notification.conftest import ORDER, REFUNDED_ORDER, SN, Service, World
from tests.service.notification.wechat import ARRIVAL, OPENID, PAID, REFUNDED, breaks

REFUND_ONLY = {"paid": "cancelled", "before_arrival": "cancelled", "refunded": "sent"}


@pytest.fixture
def refunded(world: World) -> None:
    order_says(world, REFUNDED_ORDER)


def order_says(world: World, detail: dict[str, Any]) -> None:
    world.sidecar.answer("order", "/internal/orderDetail", detail)


def order_is_away(world: World) -> None:
    world.sidecar.answers.pop(("order", "/internal/orderDetail"))


@pytest.mark.usefixtures("refunded")
async def test_a_refunded_order_sends_one_message_of_what_went_back_when_and_how(service: Service) -> None:
    assert await service.hears(3) == "SUCCESS"
    assert service.states() == {"refunded": "sent"}
    assert service.wechat.sends == [
        {
            "touser": OPENID,
            "template_id": REFUNDED,
            "data": {
                "character_string1": {"value": SN},
                "thing2": {"value": "西湖边的院子，推窗见山，步行五分钟到断…"},
                "amount3": {"value": "¥199.00"},
                "time4": {"value": "2026年11月24日 00:05"},
                "thing5": {"value": "退款已完成，如未到账请联系房东"},
            },
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        }
    ]
    assert service.outcomes("refunded") == ["accepted"]


async def test_a_part_that_went_back_is_told_with_its_amount(world: World, service: Service) -> None:
    order_says(world, REFUNDED_ORDER | {"refundedFen": 9950})

    await service.hears(3)

    assert [sent["data"]["amount3"]["value"] for sent in world.wechat.sends] == ["¥99.50"]


async def test_a_cancelled_order_of_which_nothing_went_back_takes_no_permission(world: World, service: Service) -> None:
    order_says(world, REFUNDED_ORDER | {"refundedFen": 0})

    await service.hears(3)

    task = service.task("refunded")
    assert (task["state"], task["reason"]) == ("cancelled", "the order was cancelled, and nothing was given back")
    assert world.wechat.asked == []


async def test_it_has_a_permission_of_its_own_beside_those_of_the_stay(world: World, service: Service) -> None:
    await service.hears(1)
    order_says(world, REFUNDED_ORDER)
    await service.hears(3)
    assert service.states() == {"paid": "sent", "before_arrival": "sent", "refunded": "sent"}
    assert {world.wechat.quota[OPENID, template] for template in (PAID, ARRIVAL, REFUNDED)} == {0}


@pytest.mark.usefixtures("refunded")
@pytest.mark.parametrize("told", sorted(set(itertools.permutations([1, 1, 3, 3]))), ids=str)
async def test_in_any_order_of_events_it_alone_goes_out_and_once(service: Service, told: tuple[int, ...]) -> None:
    """Each number an event of its own: order's repeated facts, and late ones."""
    service.wechat.quota[OPENID, REFUNDED] = 9
    for trade_state in told:
        assert await service.hears(trade_state) == "SUCCESS"
    assert service.states() == REFUND_ONLY
    assert service.wechat.asked == [REFUNDED]


@pytest.mark.usefixtures("refunded")
async def test_both_events_on_two_replicas_at_once_send_it_alone_and_once(world: World) -> None:
    first, second = await world.start(), await world.start()
    world.wechat.quota[OPENID, REFUNDED] = 9
    told = [first.hears(1), second.hears(3, event_id="e-3"), second.hears(1), first.hears(3, event_id="e-3")]
    assert await asyncio.gather(*told) == ["SUCCESS"] * 4
    assert first.states() == REFUND_ONLY
    assert world.wechat.asked == [REFUNDED]


async def test_what_of_the_stay_is_not_out_is_called_off_and_it_is_not(world: World, service: Service) -> None:
    order_is_away(world)
    await service.hears(1)
    await service.hears(3)
    await service.hears(3)
    assert service.states() == {"paid": "cancelled", "before_arrival": "cancelled", "refunded": "pending"}
    order_says(world, REFUNDED_ORDER)
    await service.tick(hours=1)
    assert service.states() == REFUND_ONLY
    assert service.wechat.asked == [REFUNDED]


async def test_a_late_paid_event_calls_off_nothing_and_sends_nothing(world: World, service: Service) -> None:
    order_is_away(world)
    await service.hears(3)
    await service.hears(1)
    assert service.states() == {"refunded": "pending", "paid": "pending", "before_arrival": "pending"}
    order_says(world, REFUNDED_ORDER)
    await service.tick(hours=1)
    assert service.states() == REFUND_ONLY
    assert service.wechat.asked == [REFUNDED]


@pytest.mark.parametrize("trade_state", [2, 4, -1])
async def test_no_event_calls_it_off(world: World, service: Service, trade_state: int) -> None:
    order_is_away(world)
    await service.hears(3)
    await service.hears(trade_state)
    assert service.states() == {"refunded": "pending"}
    order_says(world, REFUNDED_ORDER)
    await service.tick(hours=1)
    assert service.states() == {"refunded": "sent"}


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        (ORDER, "published a refund, but answers none in state 1"),
        ({**REFUNDED_ORDER, "tradeState": 2}, "published a refund, but answers none in state 2"),
        ({**ORDER, "tradeState": 3}, "published a refund, but answers none in state 3"),
        ({**REFUNDED_ORDER, "refundedFen": None}, "published a refund, but answers none in state 3"),
        ({**REFUNDED_ORDER, "refundedAt": "2026-11-23T16:05:31"}, "/internal/orderDetail cannot be read: refundedAt"),
    ],
    ids=["not refunded", "used", "of an older version", "no amount", "no zone"],
)
async def test_an_order_that_says_nothing_of_the_refund_delays_it(
    world: World, service: Service, detail: dict[str, Any], reason: str
) -> None:
    order_says(world, detail)
    world.sidecar.let_differ("order", "/internal/orderDetail")
    await service.hears(3)
    assert (service.task("refunded")["state"], service.task("refunded")["reason"]) == ("pending", f"order: {reason}")
    assert service.wechat.asked == []
    order_says(world, REFUNDED_ORDER)
    await service.tick(hours=1)
    assert service.outcomes("refunded") == ["not_sent", "accepted"]


@pytest.mark.usefixtures("refunded")
async def test_a_guest_who_accepts_no_such_message_gets_it_when_an_operator_resends_it(service: Service) -> None:
    service.wechat.quota.pop((OPENID, REFUNDED))
    await service.hears(3)
    task = service.task("refunded")
    assert (task["state"], task["reason"]) == ("refused", "43101 user refuse to accept the msg")
    service.wechat.quota[OPENID, REFUNDED] = 1
    body, headers = {"id": task["id"], "note": "the guest called"}, service.tokens.bearer(7, "operator")
    response = await service.http.post("/notification/v1/ops/taskResend", json=body, headers=headers)
    await service.courier.idle()
    assert response.json()["data"]["kind"] == "refunded"
    assert (service.task("refunded")["state"], service.outcomes("refunded")) == ("sent", ["refused", "accepted"])


@pytest.mark.usefixtures("refunded")
async def test_a_refusal_after_an_unknown_outcome_means_that_it_arrived(world: World, service: Service) -> None:
    world.wechat.faults.append(breaks(httpx.ReadTimeout, taken=True))
    await service.hears(3)
    await service.tick(minutes=1)
    assert (service.task("refunded")["state"], service.outcomes("refunded")) == ("sent", ["unknown", "presumed"])
    assert len(world.wechat.sends) == 1
