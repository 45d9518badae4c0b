"""Cases of notification: a peer or WeChat is slow, breaks, refuses or is not there. Messages are late then, and never lost
or doubled."""

import threading

from conformance import contracts, expecting
from conformance.roles.notification.events import CASES
from conformance.roles.notification.world import DUE, STAY, World
from conformance.wechat import Fault

BUSY, STALE_TOKEN, BAD_ARGUMENT, UNLISTED = -1, 40001, 47003, 59999
PENDING = dict.fromkeys(STAY, "pending")


@CASES.case("peer-dead", "order or usercenter is not there: events are taken, and the messages arrive when it is back")
def dead_peer(world: World) -> None:
    for peer in world.testbed.standins:
        guest = world.guest()
        number = world.order(guest)
        world.testbed.standins[peer].stop()
        world.accepted(world.state(number))
        world.testbed.standins[peer].start()
        world.delivered_once(guest, STAY, number)


@CASES.case("peer-failing", "order responds 500: the messages wait, and arrive when it has recovered")
def failing_peer(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.orders.peer.status = 500
    world.accepted(world.state(number))
    expecting.equal(world.attempted(number), PENDING, "states of the messages while order fails")
    world.orders.peer.restore()
    world.delivered_once(guest, STAY, number)


@CASES.case("peer-slow", "order takes longer than the sidecar waits: the messages arrive when it is quick again, once")
def slow_peer(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.orders.peer.slow_seconds = 4.0
    calls = len(world.orders.peer.calls)
    world.accepted(world.state(number))
    expecting.eventually(lambda: len(world.orders.peer.calls), lambda count: count > calls, "a call of order")
    world.orders.peer.restore()
    world.delivered_once(guest, STAY, number, within=30)


@CASES.case("peer-unknown-order", "order does not find an order that it published: retried, for its answer may be late")
def unknown_order(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    found = world.orders.found.pop(number)
    world.accepted(world.state(number))
    expecting.equal(world.attempted(number), PENDING, "states of the messages of an order that is not found")
    world.orders.found[number] = found
    world.delivered_once(guest, STAY, number)


@CASES.case("peer-one-bad-answer", "one order that cannot be read harms no other message of its batch")
def one_bad_answer(world: World) -> None:
    guest = world.guest()
    bad, good = world.order(guest, tradeState="soon"), world.order(guest)
    world.accepted(world.state(bad), world.state(good))
    world.delivered_once(guest, STAY, good)
    expecting.equal(world.tasks(bad), PENDING, "states of the messages of the order that cannot be read")
    world.orders.found[bad]["tradeState"] = 1
    world.delivered_once(guest, STAY, good, bad)


@CASES.case("no-openid", "a person who never signed in to the mini program: refused, WeChat is not asked")
def no_openid(world: World) -> None:
    guest = world.guest(signed_in=False)
    number = world.order(guest)
    world.accepted(world.state(number))
    expecting.equal(world.settled(number)[number], dict.fromkeys(STAY, "refused"), "states of the messages")
    expecting.equal(world.wechat.asked[guest.openid], 0, "requests to WeChat")


@CASES.case("wechat-busy", "WeChat is busy (-1) or over its quota (45009): retried, and delivered once")
def busy(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.wechat.next(guest.openid, Fault(errcode=BUSY), Fault(errcode=45009), Fault(errcode=BUSY))
    world.accepted(world.state(number))
    world.delivered_once(guest, STAY, number)


@CASES.case(
    "wechat-5xx", "WeChat responds 502, or breaks the connection, and has not taken the message: delivered once"
)
def not_taken(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.wechat.next(guest.openid, Fault(status=502), Fault(breaks=True), Fault(breaks=True))
    world.accepted(world.state(number))
    world.delivered_once(guest, STAY, number)


@CASES.case(
    "wechat-taken-unknown", "WeChat takes the one permitted message and breaks, or is too slow: sent, not once more"
)
def taken_unknown(world: World) -> None:
    for fault in (Fault(delivers=True, breaks=True), Fault(delivers=True, seconds=3.0)):
        guest = world.guest(messages=1)
        number = world.order(guest)
        world.wechat.next(guest.openid, fault, fault)
        world.accepted(world.state(number))
        world.delivered_once(guest, STAY, number)


@CASES.case("wechat-away", "WeChat cannot be reached at all: the messages wait, and arrive when it is back")
def away(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.wechat.gate.stop()
    world.accepted(world.state(number))
    expecting.equal(world.attempted(number), PENDING, "states of the messages without WeChat")
    world.wechat.gate.start()
    world.delivered_once(guest, STAY, number)


@CASES.case("wechat-43101", "43101 on a first attempt: the person refuses, and is never asked again")
def refused(world: World) -> None:
    guest = world.guest(messages=0)
    number = world.order(guest)
    world.accepted(world.state(number))
    expecting.equal(world.settled(number)[number], dict.fromkeys(STAY, "refused"), "states of the messages")
    world.door.tick(DUE)
    expecting.equal(world.wechat.asked[guest.openid], len(STAY), "requests to WeChat")


@CASES.case(
    "wechat-40001", "a stale access token: a new one is fetched, forced at most once, and the message delivered once"
)
def stale_token(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    forced = world.wechat.asked["forced token"]
    world.wechat.next(guest.openid, Fault(errcode=STALE_TOKEN), Fault(errcode=STALE_TOKEN))
    world.accepted(world.state(number))
    world.delivered_once(guest, STAY, number)
    expecting.one_of(world.wechat.asked["forced token"] - forced, (0, 1), "forced tokens")


@CASES.case(
    "wechat-rejected", "our own error (47003): invalid, counted, not retried, and delivered when an operator resends"
)
def rejected(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    series = 'notification_rejections_total{cause="invalid-argument"}'
    before = world.door.metrics().get(series, 0.0)
    world.wechat.always(guest.openid, Fault(errcode=BAD_ARGUMENT))
    world.accepted(world.state(number))
    expecting.equal(world.settled(number)[number], dict.fromkeys(STAY, "invalid"), "states of the messages")
    expecting.equal(world.wechat.asked[guest.openid], len(STAY), "requests to WeChat")
    expecting.equal(world.door.metrics().get(series, 0.0) - before, float(len(STAY)), f"increase of {series}")
    world.wechat.clear()
    for task in world.operator("messageSteps", {"orderSn": number})["tasks"]:
        world.operator("taskResend", {"id": task["id"], "note": "conformance"})
    world.delivered_once(guest, STAY, number)


@CASES.case("wechat-slow-neighbour", "a message that WeChat holds does not hold up the others")
def slow_neighbour(world: World) -> None:
    slow, quick = world.guest(), world.guest()
    held, number = world.order(slow), world.order(quick)
    release = threading.Event()
    world.wechat.next(slow.openid, *[Fault(held=release, breaks=True)] * 2)
    world.accepted(world.state(held), world.state(number))
    world.delivered_once(quick, STAY, number)
    release.set()
    world.delivered_once(slow, STAY, held)


@CASES.case("wechat-codes", "every errcode of the contract ends as its row says: refused, invalid, or retried")
def codes(world: World) -> None:
    states = {"user": "refused", "ours": "invalid", "wechat": "pending", "token": "pending"}
    meanings = {int(code): fault for code, fault in contracts.service("notification")["wechatCodes"].items()}
    guests = {code: world.guest() for code in [*meanings, UNLISTED]}
    for code, guest in guests.items():
        world.wechat.always(guest.openid, Fault(errcode=code))
    numbers = {code: world.order(guest) for code, guest in guests.items()}
    world.accepted(*(world.state(each) for each in numbers.values()))
    wanted = {code: dict.fromkeys(STAY, states[meanings.get(code, "wechat")]) for code in numbers}
    found = {code: world.attempted(number) for code, number in numbers.items()}
    expecting.equal({code: each for code, each in found.items() if each != wanted[code]}, {}, "states by errcode")
