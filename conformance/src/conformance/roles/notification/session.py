"""Brings up what stands around notification."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from conformance.broker import Bus
from conformance.peers import Orders, Users
from conformance.roles.notification.world import World
from conformance.seats import AppUnderTest, Seat
from conformance.standins import StandIn
from conformance.testbed import Testbed
from conformance.wechat import Wechat
from stack.layout import Layout
from stack.wechat import ARRIVAL_TEMPLATE, PAID_TEMPLATE, REFUND_ASKED_TEMPLATE, REFUNDED_TEMPLATE

ROLE = "notification"
TEMPLATES = {
    "paid": PAID_TEMPLATE,
    "before_arrival": ARRIVAL_TEMPLATE,
    "refunded": REFUNDED_TEMPLATE,
    "given_back": REFUNDED_TEMPLATE,
    "refund_asked": REFUND_ASKED_TEMPLATE,
}
GATE = "gateway"
"""The gate before wechatsim listens where the gateway would, which is not there."""


def told(where: Layout) -> Mapping[str, str]:
    """Settings of the app that make its retries quick and its messages tell their order."""
    return {
        "NOTIFICATION_WXMA_BASE_URL": where.url(GATE),
        "NOTIFICATION_WXMA_TIMEOUT_SECONDS": "2",
        "NOTIFICATION_FIRST_PAUSE_SECONDS": "0.2",
        "NOTIFICATION_LONGEST_PAUSE_SECONDS": "0.5",
        "NOTIFICATION_MAX_ATTEMPTS": "25",
        "NOTIFICATION_PAGE": "pages/order/detail?sn={sn}",
        "NOTIFICATION_MERCHANT_PAGE": "pages/desk/order?sn={sn}",
    }


@contextmanager
def surroundings(folder: Path, console: Console, app_port: int | None) -> Iterator["Surroundings"]:
    testbed = Testbed.plan(ROLE, folder, told=told, app_port=app_port)
    where, merchant = testbed.where, testbed.environment.merchant
    templates = {kind: merchant.template(title) for kind, title in TEMPLATES.items()}
    wechat = Wechat(where.port(GATE), where.url("wechatsim"), templates)
    orders, users = Orders(), Users()
    peers = {"order": orders.peer, "usercenter": users.peer}
    try:
        testbed.start(console, {name: StandIn(where.port(name), peer) for name, peer in peers.items()})
        wechat.gate.start()
        bus = Bus(testbed.environment.broker)
        yield Surroundings(testbed, bus, wechat, orders, users)
        bus.close()
    finally:
        wechat.gate.stop()
        testbed.stop()


class Surroundings:
    """All but the app: several may be tried in it, one after another."""

    def __init__(self, testbed: Testbed, bus: Bus, wechat: Wechat, orders: Orders, users: Users) -> None:
        self.testbed, self._bus, self._wechat, self._orders, self._users = testbed, bus, wechat, orders, users

    @contextmanager
    def world(self, seat: Seat, *, wait: float) -> Iterator[World]:
        """With this app, ready within `wait` seconds."""
        app = AppUnderTest(self.testbed, seat)
        try:
            app.start(wait=wait)
            yield World(self.testbed, app, self._bus, self._wechat, self._orders, self._users)
        finally:
            self._wechat.clear()
            app.stop()
