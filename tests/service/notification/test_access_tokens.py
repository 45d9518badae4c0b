"""The access token: shared, renewed before its end, replaced once when WeChat says that it is no good."""

import asyncio
from datetime import timedelta

import httpx

from tests.service.notification.conftest import SN, World
from tests.service.notification.wechat import OPENID, PAID, FakeWechat, answer, breaks, says, status

OTHER = "HSO2026112309302600000001"


async def test_a_token_serves_until_shortly_before_its_end(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 3
    service = await world.start()
    service.plan(SN)
    await service.tick()
    service.plan(OTHER)
    await service.tick(minutes=115)
    assert world.wechat.token_requests == [False]
    service.plan("HSO2026112309302600000002")
    await service.tick(minutes=1, seconds=30)
    assert world.wechat.token_requests == [False, False]
    assert world.wechat.tokens == 2
    assert len(world.wechat.sends) == len(world.wechat.asked) == 3


async def test_a_token_that_others_replaced_is_renewed_without_force_and_the_message_sent(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 2
    service = await world.start()
    service.plan(SN)
    await service.tick()
    world.wechat.revoke()
    service.plan(OTHER)
    await service.tick()
    assert world.wechat.token_requests == [False, False]
    assert world.wechat.asked == [PAID] * 3
    states = service.rows("select state, attempts from notification_task order by id")
    assert states == [{"state": "sent", "attempts": 1}] * 2


async def test_a_token_that_wechat_repeats_though_it_is_stale_is_replaced_by_force(world: World) -> None:
    for errcode in (42001, 40014):
        world.wechat.faults.append(says(errcode, "access_token expired"))
        service = await world.start()
        service.plan(SN if errcode == 42001 else OTHER)
        world.wechat.quota[OPENID, PAID] = 1
        await service.tick(minutes=1)
        assert world.wechat.token_requests == [False, False, True]
        world.wechat.token_requests.clear()
    assert service.rows("select distinct state from notification_task") == [{"state": "sent"}]


async def test_a_token_is_not_forced_twice_within_thirty_seconds(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 2
    stale = says(40001, "invalid credential")
    world.wechat.faults.extend([stale, stale, stale])
    service = await world.start()
    service.plan(SN)
    await service.tick()  # forced, and the forced one is refused too: one repeat, no more
    assert world.wechat.token_requests == [False, False, True]
    assert service.outcomes("paid") == ["failed"]
    await service.tick(seconds=10)
    assert world.wechat.token_requests == [False, False, True, False]
    assert service.outcomes("paid") == ["failed", "failed"]
    assert service.task("paid")["reason"] == "a new token was forced less than 30 seconds ago"
    await service.tick(minutes=1)
    assert service.task("paid")["state"] == "sent"


async def test_many_messages_ask_for_one_token_even_when_none_can_be_had(world: World) -> None:
    world.wechat.quota[OPENID, PAID] = 6
    world.wechat.token_faults.append(says(45009, "reach max api daily quota limit"))
    service = await world.start()
    service.plan(*(f"HSO20261123093026{number:08d}" for number in range(6)))
    await service.tick()
    assert world.wechat.token_requests == [False]
    told = "token: 45009 reach max api daily quota limit"
    assert service.rows("select distinct reason, attempts from notification_task") == [{"reason": told, "attempts": 1}]
    assert service.rows("select distinct outcome from delivery_attempt") == [{"outcome": "not_sent"}]
    await service.tick(minutes=1)
    assert world.wechat.token_requests == [False, False]
    assert len(world.wechat.sends) == 6


async def test_no_failure_to_get_a_token_leaves_a_doubt(world: World) -> None:
    async def empty(_: object, __: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"expires_in": 7200})

    faults = [breaks(httpx.ReadTimeout), status(500), says(40164, "invalid ip"), empty]
    world.wechat.token_faults.extend(faults)
    world.wechat.quota.clear()
    service = await world.start()
    service.plan(SN)
    for _ in faults:
        await service.tick(hours=1)
    await service.tick(hours=1)
    assert service.outcomes("paid") == [*["not_sent"] * 4, "refused"]


async def test_a_short_lived_token_is_used_for_half_its_life(world: World) -> None:
    world.wechat.issue(timedelta(minutes=6))
    world.wechat.quota[OPENID, PAID] = 3
    service = await world.start()
    for number, minutes in enumerate((0, 2, 2)):
        service.plan(f"HSO20261123093026{number:08d}")
        await service.tick(minutes=minutes)
    assert world.wechat.token_requests == [False, False]
    assert len(world.wechat.sends) == 3


async def test_all_messages_of_a_batch_share_one_forced_token(world: World) -> None:
    async def token(wechat: FakeWechat, request: httpx.Request) -> httpx.Response:
        return await wechat.sandbox.respond(request)

    async def late_token(wechat: FakeWechat, request: httpx.Request) -> httpx.Response:
        for _ in range(20):  # the other messages of the batch find the request under way
            await asyncio.sleep(0)
        return await wechat.sandbox.respond(request)

    async def late_refusal(_: FakeWechat, __: httpx.Request) -> httpx.Response:
        for _ in range(10):
            await asyncio.sleep(0)
        return answer(40001, "invalid credential")

    world.wechat.quota[OPENID, PAID] = 6
    world.wechat.faults.extend([says(40001, "invalid credential")] * 3 + [late_refusal] * 3)
    world.wechat.token_faults.extend([token, token, late_token])
    service = await world.start()
    service.plan(*(f"HSO20261123093026{number:08d}" for number in range(6)))
    await service.courier.fresh.start_due()
    await service.courier.idle()
    assert world.wechat.token_requests == [False, False, True]
    assert service.rows("select distinct state, attempts from notification_task") == [{"state": "sent", "attempts": 1}]
