"""What WeChat, the peers and crashes do to a message, and what becomes of it."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from notification.attempts import LEASE
from tests.service.notification.conftest import ORDER, SN, Service, World
from tests.service.notification.wechat import APPID, OPENID, PAID, FakeWechat, Fault, breaks, says, status


async def hears_paid(world: World, *faults: Fault, **settings: Any) -> Service:
    """A replica with one task that is due: the `paid` message, which will meet `faults`."""
    service = await world.start(**settings)
    service.plan(SN)
    world.wechat.faults.extend(faults)
    return service


async def test_the_users_no_stops_it_at_once_with_its_reason(world: World) -> None:
    service = await hears_paid(world, says(43101, "user refuse to accept the msg"))
    await service.tick()
    task = service.task("paid")
    assert (task["state"], task["reason"], task["attempts"]) == ("refused", "43101 user refuse to accept the msg", 1)
    assert service.outcomes("paid") == ["refused"]
    assert await service.tick(days=2) == 0
    assert world.wechat.sends == []


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        (says(-1, "system error"), "failed", "-1 system error"),
        (says(45009, "reach max api daily quota limit"), "failed", "45009 reach max api daily quota limit"),
        (says(99999, "never met"), "failed", "99999 never met"),
        (status(429), "failed", "HTTP 429"),
        (status(502), "unknown", "HTTP 502"),
        (breaks(httpx.ConnectError), "failed", "ConnectError"),
        (breaks(httpx.ReadTimeout), "unknown", "ReadTimeout"),
        (breaks(httpx.RemoteProtocolError), "unknown", "RemoteProtocolError"),
    ],
    ids=lambda value: "" if callable(value) else value,
)
async def test_a_passing_failure_is_tried_again_by_cron(world: World, fault: Fault, outcome: str, reason: str) -> None:
    service = await hears_paid(world, fault)
    await service.tick()
    task = service.task("paid")
    assert (task["state"], task["reason"], task["leased_until"]) == ("pending", reason, None)
    pause = task["due_at"] - world.clock.now
    assert timedelta(seconds=3.75) <= pause < timedelta(seconds=6.25)
    assert await service.tick(seconds=1) == 0
    assert await service.tick(seconds=6) == 1
    assert service.outcomes("paid") == [outcome, "accepted"]
    assert service.task("paid")["state"] == "sent"
    assert len(world.wechat.sends) == 1


async def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(world: World) -> None:
    async def captive(_: FakeWechat, __: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>sign in</html>")

    async def silent(_: FakeWechat, __: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"errmsg": "ok"})

    service = await hears_paid(world, captive, silent)
    await service.tick()
    await service.tick(minutes=1)
    assert service.outcomes("paid") == ["unknown", "unknown"]
    assert service.task("paid")["state"] == "pending"


async def test_a_refusal_after_an_unknown_outcome_means_delivered(world: World) -> None:
    service = await hears_paid(world, breaks(httpx.ReadTimeout, taken=True))
    await service.tick()
    await service.tick(minutes=1)
    task = service.task("paid")
    assert (task["state"], task["reason"]) == ("sent", "presumed delivered by an earlier attempt")
    assert service.outcomes("paid") == ["unknown", "presumed"]
    assert len(world.wechat.sends) == 1


async def test_a_refusal_after_a_known_failure_means_refused(world: World) -> None:
    world.wechat.quota.clear()
    service = await hears_paid(world, says(-1, "system error"))
    await service.tick()
    await service.tick(minutes=1)
    assert service.outcomes("paid") == ["failed", "refused"]
    assert service.task("paid")["state"] == "refused"


async def test_pauses_grow_until_the_message_is_dead(world: World) -> None:
    service = await hears_paid(world, *[says(-1, "system error")] * 25)
    pauses = []
    for _ in range(24):
        await service.tick()
        task = service.task("paid")
        assert task["state"] == "pending"
        pauses.append(task["due_at"] - world.clock.now)
        world.clock.now = task["due_at"]
    growing = pauses[:10]
    assert growing == sorted(growing)
    assert timedelta(minutes=67) < max(pauses) < timedelta(minutes=113)
    world.clock.move(seconds=1)
    await service.tick()
    task = service.task("paid")
    assert (task["state"], task["reason"], task["attempts"]) == ("dead", "gave up: -1 system error", 25)
    assert await service.tick(days=1) == 0


async def test_a_message_that_is_a_day_old_dies_at_its_next_failure(world: World) -> None:
    service = await hears_paid(world, says(-1, "system error"), says(-1, "system error"))
    await service.tick()
    await service.tick(hours=24)
    assert service.task("paid")["state"] == "dead"
    assert service.task("paid")["attempts"] == 2


async def test_a_service_that_was_away_for_days_tries_before_it_gives_up(world: World) -> None:
    service = await hears_paid(world)
    await service.tick(days=3)
    assert service.task("paid")["state"] == "sent"


@pytest.mark.parametrize(
    ("app_id", "path", "reason"),
    [
        ("order", "/internal/orderDetail", "order: no answer for /internal/orderDetail in this test"),
        ("usercenter", "/internal/authByUser", "usercenter: no answer for /internal/authByUser in this test"),
    ],
)
async def test_a_peer_that_is_away_delays_the_message(world: World, app_id: str, path: str, reason: str) -> None:
    kept = world.sidecar.answers.pop((app_id, path))
    service = await hears_paid(world)
    await service.tick()
    assert service.outcomes("paid") == ["not_sent"]
    assert service.task("paid")["reason"] == reason
    assert world.wechat.asked == []
    world.sidecar.answers[app_id, path] = kept
    await service.tick(minutes=1)
    assert service.outcomes("paid") == ["not_sent", "accepted"]


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        ({"title": "not found"}, 404, "order: 404 for an order that it published"),
        ({"title": "broken"}, 500, "order: 500 for /internal/orderDetail"),
        ({**ORDER, "userId": None}, 200, "order: /internal/orderDetail cannot be read: userId"),
        ([], 200, "order: /internal/orderDetail cannot be read: "),
    ],
    ids=["unknown", "broken", "no user", "no object"],
)
async def test_an_order_that_cannot_be_read_delays_the_message(
    world: World, answer: object, code: int, reason: str
) -> None:
    world.sidecar.answer("order", "/internal/orderDetail", answer, code)
    world.sidecar.let_differ("order", "/internal/orderDetail")
    service = await hears_paid(world)
    await service.tick()
    assert service.outcomes("paid") == ["not_sent"]
    assert service.task("paid")["reason"] == reason


async def test_the_openid_is_asked_for_of_the_mini_program_that_sends(world: World) -> None:
    service = await hears_paid(world)
    await service.tick()
    asked = [body for _, path, body in world.sidecar.calls if path == "/internal/authByUser"]
    assert asked[0] == {"userId": 42, "authType": "wxMini", "appid": APPID}


async def test_a_guest_without_wechat_gets_no_message(world: World) -> None:
    world.sidecar.answer("usercenter", "/internal/authByUser", {"type": "/problems/not-found"}, 404)
    service = await hears_paid(world)
    await service.tick()
    task = service.task("paid")
    assert (task["state"], task["cause"], task["attempts"]) == ("refused", "no-openid", 0)
    assert task["reason"] == "no openid: the user has never signed in to the mini program"
    assert world.wechat.asked == []


async def test_an_order_that_was_cancelled_has_no_code_and_gets_no_message(world: World) -> None:
    world.sidecar.answer("order", "/internal/orderDetail", {**ORDER, "tradeState": -1, "tradeCode": None})
    service = await world.start()
    await service.hears(1)
    assert service.states() == {"paid": "cancelled", "before_arrival": "cancelled"}


@pytest.mark.parametrize("code", ["入住码", "X" * 33, "", None])
async def test_a_code_that_fits_no_template_is_not_sent_cut(world: World, code: str | None) -> None:
    world.sidecar.answer("order", "/internal/orderDetail", {**ORDER, "tradeCode": code})
    service = await world.start()
    await service.hears(1)
    assert service.states() == {"paid": "sent", "before_arrival": "invalid"}
    task = service.task("before_arrival")
    assert (task["cause"], task["reason"].partition(":")[0]) == ("unrenderable", "does not fit the template")
    assert world.wechat.asked == [PAID]


async def test_a_bug_uses_up_tries_and_ends(world: World) -> None:
    def surprise(_: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    world.sidecar.answers["order", "/internal/orderDetail"] = surprise
    service = await hears_paid(world, max_attempts=2)
    await service.tick()
    assert service.task("paid")["state"] == "pending"
    await service.tick(minutes=1)
    assert (service.task("paid")["state"], service.outcomes("paid")) == ("dead", ["not_sent", "not_sent"])


async def test_the_page_carries_the_orders_number(world: World) -> None:
    service = await world.start(page="pages/order/detail?sn={sn}", wxma_state="trial", wxma_lang="en_US")
    await service.hears(1)
    assert {sent["page"] for sent in world.wechat.sends} == {f"pages/order/detail?sn={SN}"}
    assert {(sent["miniprogram_state"], sent["lang"]) for sent in world.wechat.sends} == {("trial", "en_US")}


async def test_replicas_and_ticks_never_meet_on_a_row(world: World) -> None:
    replicas = [await world.start(parallel=4) for _ in range(3)]
    replicas[0].plan(*(f"HSO20261123093026{number:08d}" for number in range(40)))
    world.wechat.quota[OPENID, PAID] = 1000
    while any(await asyncio.gather(*(each.tick() for each in [*replicas, *replicas]))):
        pass
    told = [sent["data"]["character_string6"]["value"] for sent in world.wechat.sends]
    assert len(told) == len(set(told)) == 40
    assert replicas[0].rows("select distinct state, attempts from notification_task") == [
        {"state": "sent", "attempts": 1}
    ]


async def test_a_tick_claims_no_more_than_there_is_room_for(world: World) -> None:
    release = asyncio.Event()

    async def slow(wechat: FakeWechat, request: httpx.Request) -> httpx.Response:
        await release.wait()
        return await wechat.send(request)

    world.wechat.faults.extend([slow, slow])
    world.wechat.quota[OPENID, PAID] = 3
    service = await world.start(parallel=1, parallel_retries=1)
    service.plan(*(f"HSO20261123093026{number:08d}" for number in range(3)))
    claimed = [await service.courier.start_due() for _ in range(3)]
    assert claimed == [2, 0, 0]
    release.set()
    await service.courier.idle()
    assert len(world.wechat.sends) == 3


async def test_a_message_in_flight_counts_although_the_order_went_on_meanwhile(world: World) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def slow(wechat: FakeWechat, request: httpx.Request) -> httpx.Response:
        arrived.set()
        await release.wait()
        return await wechat.send(request)

    service = await hears_paid(world, slow)
    await service.courier.start_due()
    await arrived.wait()
    assert await service.hears(2, settle=False) == "SUCCESS"
    assert service.task("paid")["state"] == "cancelled"
    release.set()
    await service.courier.idle()
    assert service.task("paid")["state"] == "sent"
    assert service.outcomes("paid") == ["accepted"]


async def test_a_failure_in_flight_does_not_undo_a_cancellation(world: World) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def slow(_: FakeWechat, __: httpx.Request) -> httpx.Response:
        arrived.set()
        await release.wait()
        raise httpx.ReadTimeout("late")

    service = await hears_paid(world, slow)
    await service.courier.start_due()
    await arrived.wait()
    assert await service.hears(2, settle=False) == "SUCCESS"
    release.set()
    await service.courier.idle()
    assert (service.task("paid")["state"], service.outcomes("paid")) == ("cancelled", ["unknown"])
    assert await service.tick(days=1) == 0


async def test_the_overtaken_sender_leaves_the_task_to_the_other(world: World) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def stuck(_: FakeWechat, __: httpx.Request) -> httpx.Response:
        arrived.set()
        await release.wait()
        raise httpx.ReadTimeout("late")

    first, second = await hears_paid(world, stuck), await world.start()
    await first.courier.start_due()
    await arrived.wait()
    assert await second.tick(seconds=LEASE.total_seconds() - 1) == 0
    assert await second.tick(seconds=2) == 1
    sent = second.task("paid")
    release.set()
    await first.courier.idle()
    assert second.task("paid") == sent
    assert sent["state"] == "sent"
    assert second.outcomes("paid") == ["unknown", "accepted"]


KILLED = """
import asyncio, os, signal, sys
from contextlib import AsyncExitStack
import psycopg
from tests.service.notification.conftest import World
from tests.service.notification.wechat import FakeWechat

async def die(wechat, request):
    if sys.argv[2] == "after the send":
        response = await wechat.send(request)
        assert response.json()["errcode"] == 0
        print("accepted", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with AsyncExitStack() as stack:
        sql = stack.enter_context(psycopg.connect(sys.argv[1], autocommit=True))
        world = World(sys.argv[1], stack, sql)
        (world.wechat.token_faults if sys.argv[2] == "before the send" else world.wechat.faults).append(die)
        await (await world.start(parallel=1)).tick()

asyncio.run(main())
"""


def killed(database_url: str, when: str) -> str:
    """A replica of its own process that is killed with SIGKILL `when`; what it said before."""
    root = Path(__file__).parents[3]
    run = [sys.executable, "-W", "ignore", "-c", KILLED, database_url, when]
    process = subprocess.run(run, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == -9, process.stderr
    return process.stdout


async def test_kill_9_between_send_and_record_neither_loses_nor_repeats_the_message(world: World) -> None:
    service = await hears_paid(world)
    assert "accepted" in killed(world.database_url, "after the send")
    assert (service.task("paid")["state"], service.outcomes("paid")) == ("pending", ["unknown"])
    world.wechat.quota[OPENID, PAID] = 0  # the killed replica's message used it up
    assert await service.tick() == 0
    assert await service.tick(seconds=LEASE.total_seconds()) == 1
    assert (service.task("paid")["state"], service.outcomes("paid")) == ("sent", ["unknown", "presumed"])
    assert world.wechat.sends == []


async def test_kill_9_before_the_send_leaves_no_attempt_and_loses_nothing(world: World) -> None:
    service = await hears_paid(world)
    killed(world.database_url, "before the send")
    assert (service.task("paid")["state"], service.outcomes("paid")) == ("pending", [])
    await service.tick(seconds=LEASE.total_seconds())
    assert (service.task("paid")["state"], service.outcomes("paid")) == ("sent", ["accepted"])
    assert len(world.wechat.sends) == 1


async def test_attempts_that_always_break_off_end_as_well(world: World) -> None:
    service = await hears_paid(world, max_attempts=3)
    service.execute("update notification_task set attempts = 3, tries = 3")
    await service.tick()
    task = service.task("paid")
    assert (task["state"], task["reason"]) == ("dead", "gave up: the last attempt was interrupted")
    assert world.wechat.asked == []
