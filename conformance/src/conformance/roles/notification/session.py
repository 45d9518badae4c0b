"""Brings up what stands around notification."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from conformance.peers import Orders, Users
from conformance.roles.base import Role, Surroundings, running
from conformance.roles.notification.cases import CASES
from conformance.roles.notification.world import World
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
def surroundings(folder: Path, console: Console, app_port: int | None) -> Iterator[Surroundings[World]]:
    testbed = Testbed.plan(ROLE, folder, told=told, app_port=app_port)
    where, merchant = testbed.where, testbed.environment.merchant
    templates = {kind: merchant.template(title) for kind, title in TEMPLATES.items()}
    wechat = Wechat(where.port(GATE), where.url("wechatsim"), templates)
    orders, users = Orders(), Users()
    peers = {"order": orders.peer, "usercenter": users.peer}
    wechat.gate.start()
    try:
        with running(testbed, console, peers) as bus:
            make = partial(World, wechat=wechat, orders=orders)
            yield Surroundings(testbed, bus, users, peers, make, wechat.clear)
    finally:
        wechat.gate.stop()


NOTIFICATION = Role(ROLE, CASES, surroundings)
