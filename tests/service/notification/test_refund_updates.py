"""A refund that leaves its order as it is: the merchant who is to decide is told, and the buyer whose money is back."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.service.notification.conftest import ORDER, SN, Service, World, wechat_of
from tests.service.notification.wechat import OPENID, REFUND_ASKED, REFUNDED, breaks, says

MERCHANT_OPENID = "oMerchantMerchantMerchantxy"
SECOND = "PMT2026112309310087654322"
ASKED_AT, ANSWER_BY = "2026-11-23T04:30:00.250000Z", "2026-11-24T04:30:00.250000Z"
WAITING = ORDER | {
    "refundState": "asked",
    "refundAskedAt": ASKED_AT,
    "refundAnswerBy": ANSWER_BY,
    "refundLeastFen": 19900,
}


@pytest.fixture(autouse=True)
def _people(world: World) -> None:
    """User 42 is the buyer, 9 the merchant: each has an openid of their own."""

    def auth(request: httpx.Request) -> httpx.Response:
        user = json.loads(request.content)["userId"]
        return httpx.Response(200, json=wechat_of(user, {42: OPENID, 9: MERCHANT_OPENID}[user]))

    world.sidecar.answers["usercenter", "/internal/authByUser"] = auth
    world.wechat.quota[MERCHANT_OPENID, REFUND_ASKED] = 9
    world.wechat.quota[OPENID, REFUNDED] = 9
    order_says(world, ORDER)


def order_says(world: World, detail: dict[str, Any]) -> None:
    world.sidecar.answer("order", "/internal/orderDetail", detail)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("late-payment", "订单已取消，该笔付款已退回"),
        ("duplicate-payment", "重复支付的款项已退回"),
        ("goodwill", "房东已退还部分房款"),
        ("other", "退款已完成，如未到账请联系房东"),
        ("of a later version", "退款已完成，如未到账请联系房东"),
    ],
)
async def test_a_payment_that_was_given_back_is_told_to_its_buyer_with_the_amount(
    world: World, service: Service, cause: str, said: str
) -> None:
    order_says(world, ORDER | {"tradeState": -1, "tradeCode": None})
    assert await service.hears_of_refund("returned", cause=cause, refundFen=29905) == "SUCCESS"
    assert service.states() == {"given_back": "sent"}
    assert world.wechat.sends == [
        {
            "touser": OPENID,
            "template_id": REFUNDED,
            "data": {
                "character_string1": {"value": SN},
                "thing2": {"value": "西湖边的院子，推窗见山，步行五分钟到断…"},
                "amount3": {"value": "¥299.05"},
                "time4": {"value": "2026年11月23日 12:30"},
                "thing5": {"value": said},
            },
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        }
    ]


async def test_each_payment_is_told_once_whatever_is_repeated(world: World) -> None:
    first, second = await world.start(), await world.start()
    told = [
        first.hears_of_refund("returned", event_id="e-1"),
        second.hears_of_refund("returned", event_id="e-1"),
        first.hears_of_refund("returned", event_id="e-2"),
        second.hears_of_refund("returned", event_id="e-3", paymentSn=SECOND),
    ]
    assert await asyncio.gather(*told) == ["SUCCESS"] * 4
    subjects = first.rows("select subject, state from notification_task order by subject")
    assert [(row["subject"], row["state"]) for row in subjects] == [
        ("PMT2026112309310087654321", "sent"),
        (SECOND, "sent"),
    ]
    assert len(world.wechat.sends) == 2


async def test_each_part_that_a_host_gives_back_is_told_with_its_amount(world: World, service: Service) -> None:
    first, second = "2026-11-23T04:30:00.250000Z", "2026-11-23T05:30:00Z"
    for changed_at, fen in ((first, 1000), (first, 1000), (second, 2500)):
        await service.hears_of_refund("part-returned", cause="goodwill", refundFen=fen, changedAt=changed_at)

    assert [sent["data"]["amount3"]["value"] for sent in world.wechat.sends] == ["¥10.00", "¥25.00"]
    assert [row["state"] for row in service.rows("select state from notification_task")] == ["sent", "sent"]


@pytest.mark.parametrize(
    ("least", "said"),
    [(19900, "逾期未处理将自动同意退款"), (9950, "逾期未处理将按退订规则退款"), (0, "逾期未处理视为不同意退款")],
)
async def test_the_merchant_is_told_what_silence_means(world: World, service: Service, least: int, said: str) -> None:
    order_says(world, WAITING | {"refundLeastFen": least})

    await service.hears_of_refund("asked", cause="buyer")

    assert [sent["data"]["thing5"]["value"] for sent in world.wechat.sends] == [said]


async def test_no_state_of_the_order_calls_it_off(world: World, service: Service) -> None:
    kept = world.sidecar.answers.pop(("order", "/internal/orderDetail"))
    await service.hears_of_refund("returned")
    await service.hears(4)
    assert service.states() == {"given_back": "pending"}
    world.sidecar.answers["order", "/internal/orderDetail"] = kept
    await service.tick(hours=1)
    assert service.states() == {"given_back": "sent"}


async def test_a_refusal_after_an_unknown_outcome_means_that_it_arrived(world: World, service: Service) -> None:
    world.wechat.quota[OPENID, REFUNDED] = 1
    world.wechat.faults.append(breaks(httpx.ReadTimeout, taken=True))
    await service.hears_of_refund("returned")
    await service.tick(minutes=1)
    assert (service.states(), service.outcomes("given_back")) == ({"given_back": "sent"}, ["unknown", "presumed"])
    assert len(world.wechat.sends) == 1


async def test_the_merchant_is_told_by_when_to_answer(world: World) -> None:
    order_says(world, WAITING)
    service = await world.start(page="pages/guest?sn={sn}", merchant_page="pages/host?sn={sn}")
    assert await service.hears_of_refund("asked", cause="buyer") == "SUCCESS"
    assert service.states() == {"refund_asked": "sent"}
    assert world.wechat.sends == [
        {
            "touser": MERCHANT_OPENID,
            "template_id": REFUND_ASKED,
            "page": f"pages/host?sn={SN}",
            "data": {
                "character_string1": {"value": SN},
                "thing2": {"value": "西湖边的院子，推窗见山，步行五分钟到断…"},
                "amount3": {"value": "¥199.00"},
                "time4": {"value": "2026年11月24日 12:30"},
                "thing5": {"value": "逾期未处理将自动同意退款"},
            },
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        }
    ]
    assert ("usercenter", "/internal/authByUser") in {(app_id, path) for app_id, path, _ in world.sidecar.calls}


async def test_a_request_that_is_asked_twice_is_told_once_and_a_later_one_again(world: World, service: Service) -> None:
    order_says(world, WAITING)
    await service.hears_of_refund("asked")
    await service.hears_of_refund("asked")
    again = "2026-11-23T06:00:00Z"
    order_says(world, WAITING | {"refundAskedAt": again, "refundAnswerBy": "2026-11-24T06:00:00Z"})
    await service.hears_of_refund("asked", changedAt=again)
    assert [row["state"] for row in service.rows("select state from notification_task")] == ["sent", "sent"]
    assert [sent["data"]["time4"]["value"][-5:] for sent in world.wechat.sends] == ["12:30", "14:00"]


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ({"refundState": "agreed"}, "the request is decided: the refund state is agreed"),
        ({"refundState": "refused", "refundAskedAt": None}, "the request is decided: the refund state is refused"),
        ({"refundAskedAt": "2026-11-23T05:00:00Z"}, "the request is decided: the refund state is asked"),
    ],
    ids=["agreed", "refused", "a later request"],
)
async def test_a_request_that_is_decided_already_is_not_told(
    world: World, service: Service, detail: dict[str, Any], reason: str
) -> None:
    order_says(world, WAITING | detail)
    await service.hears_of_refund("asked")
    task = service.task("refund_asked")
    assert (task["state"], task["reason"], world.wechat.asked) == ("cancelled", reason, [])


async def test_an_order_of_an_older_version_delays_it(world: World, service: Service) -> None:
    order_says(world, {name: value for name, value in ORDER.items() if not name.startswith("refund")})
    world.sidecar.let_differ("order", "/internal/orderDetail")
    await service.hears_of_refund("asked")
    assert service.states() == {"refund_asked": "pending"}
    order_says(world, WAITING)
    await service.tick(hours=1)
    assert service.outcomes("refund_asked") == ["not_sent", "accepted"]


async def test_a_merchant_without_wechat_gets_none(world: World, service: Service) -> None:
    order_says(world, WAITING)
    world.sidecar.answer("usercenter", "/internal/authByUser", {"type": "/problems/not-found"}, 404)
    await service.hears_of_refund("asked")
    task = service.task("refund_asked")
    assert (task["state"], task["cause"]) == ("refused", "no-openid")


async def test_a_wrong_template_for_merchants_is_our_mistake(world: World, service: Service) -> None:
    order_says(world, WAITING)
    world.wechat.faults.append(says(40037, "invalid template_id"))
    await service.hears_of_refund("asked")
    assert service.task("refund_asked")["state"] == "invalid"


async def test_a_state_that_is_not_known_yet_is_passed_over(service: Service) -> None:
    assert await service.hears_of_refund("of a later version") == "SUCCESS"
    assert service.rows("select * from notification_task") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"refundFen": 0},
        {"refundFen": "19900"},
        {"refundFen": True},
        {"paymentSn": "HSO2026112309310087654321"},
        {"changedAt": "2026-11-23T04:30:00"},
        {"orderSn": None},
    ],
    ids=str,
)
async def test_what_the_contract_forbids_is_poison(service: Service, wrong: dict[str, Any]) -> None:
    assert await service.hears_of_refund("returned", **wrong) == "DROP"
    assert service.rows("select * from notification_task") == []
