"""Cases of notification: several ticks, several replicas, and processes that end, each at the worst moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from conformance import expecting
from conformance.cases import Later
from conformance.roles.notification.events import CASES
from conformance.roles.notification.world import DUE, STATE_TOPIC, STAY, Guest, World
from conformance.wechat import Fault

LEASE_SECONDS = 75.0
"""Longer than a lease (30 s) on a busy machine."""
SOON_SECONDS = 25.0
"""Shorter than a lease: what was in progress when the app was asked to stop has ended, and waits for none."""
TICKS = 6


@CASES.case("cron-at-once", f"{TICKS} ticks at once over messages that are due: each is sent once")
def ticks_at_once(world: World) -> None:
    guest = world.guest()
    numbers = [world.order(guest) for _ in range(15)]
    world.wechat.always(guest.openid, Fault(errcode=-1))
    world.accepted(*(world.state(each) for each in numbers))
    expecting.eventually(lambda: world.wechat.asked[guest.openid], lambda count: count >= 30, "first attempts")
    world.wechat.clear()
    _tick_at_once([world.door.tick] * TICKS)
    world.delivered_once(guest, STAY, *numbers)


@CASES.case(
    "replicas", "two replicas, events through Kafka, ticks at both: each message is sent once", needs_control=True
)
def two_replicas(world: World) -> None:
    second = world.app.second()
    guest = world.guest()
    numbers = [world.order(guest) for _ in range(40)]
    world.bus.publish_events(STATE_TOPIC, [world.state(each) for each in numbers])
    for _ in range(3):
        _tick_at_once([world.door.tick, second.door.tick] * 2)
    for each in numbers:
        expecting.eventually(lambda each=each: world.tasks(each), bool, f"the event of {each}", within=30)  # type: ignore[misc]  # mypy sees no type in a bound default
    world.delivered_once(guest, STAY, *numbers)


def _tick_at_once(ticks: list[Callable[[str], int]]) -> None:
    with ThreadPoolExecutor(len(ticks)) as pool:
        for tick in [pool.submit(each, DUE) for each in ticks]:
            tick.result()


@CASES.case(
    "sigterm",
    "SIGTERM while messages are sent: they are finished, exit code 0 in time, nothing lost or doubled",
    needs_control=True,
)
def sigterm(world: World) -> None:
    guest = world.guest()
    numbers = [world.order(guest) for _ in range(12)]
    world.wechat.always(guest.openid, Fault(delivers=True, seconds=1.0))
    world.accepted(*(world.state(each) for each in numbers))
    expecting.eventually(lambda: world.wechat.asked[guest.openid], lambda count: count > 0, "a message on its way")
    code = world.app.terminate(world.app.first)
    expecting.equal(code, 0, "exit code after SIGTERM")
    world.restore()
    world.delivered_once(guest, STAY, *numbers, within=SOON_SECONDS)


@CASES.case(
    "kill-before-taken",
    "kill -9 after an attempt is recorded, before WeChat has the message: it arrives after the lease, once",
    needs_control=True,
    is_slow=True,
)
def kill_before_taken(world: World) -> Later:
    return _killed(world, Fault(held=threading.Event(), breaks=True), messages=1000)


@CASES.case(
    "kill-after-taken",
    "kill -9 after WeChat took the one permitted message, before that is recorded: sent, not once more",
    needs_control=True,
    is_slow=True,
)
def kill_after_taken(world: World) -> Later:
    return _killed(world, Fault(held=threading.Event(), breaks=True, delivers=True), messages=1)


def _killed(world: World, fault: Fault, *, messages: int) -> Later:
    """The app is killed while both messages of an order are at WeChat without a response. Returns what must come of it."""
    guest = world.guest(messages=messages)
    number = world.order(guest)
    world.wechat.next(guest.openid, fault, fault)
    world.accepted(world.state(number))
    expecting.eventually(
        lambda: world.wechat.asked[guest.openid], lambda count: count == len(STAY), "messages on their way"
    )
    if fault.delivers:
        expecting.eventually(
            lambda: sum(world.arrived(guest).values()), lambda count: count == len(STAY), "messages at WeChat"
        )
    world.app.kill(world.app.first)
    if fault.held is not None:
        fault.held.set()
    return lambda: _ends_well(world, guest, number)


def _ends_well(world: World, guest: Guest, number: str) -> None:
    world.restore()
    world.delivered_once(guest, STAY, number, within=LEASE_SECONDS)
