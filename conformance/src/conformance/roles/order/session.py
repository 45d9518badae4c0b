"""Brings up what stands around order."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from conformance.peers import Peer, Users
from conformance.roles.base import Role, Surroundings, running
from conformance.roles.order.cases import CASES
from conformance.roles.order.world import World, homestay
from conformance.standins import Response
from conformance.testbed import Testbed

ROLE = "order"
CLOSED = {"outcome": "neverPaid", "paymentSn": None, "payTime": None, "totalFen": None, "version": None}


@contextmanager
def surroundings(folder: Path, console: Console, app_port: int | None) -> Iterator[Surroundings[World]]:
    testbed = Testbed.plan(ROLE, folder, told=lambda _: {"ORDER_MOST_UNPAID": "1000"}, app_port=app_port)
    users = Users()
    peers = {
        "usercenter": users.peer,
        "travel": Peer({"/internal/homestaySnapshot": homestay}),
        "payment": Peer({"/internal/close": lambda _: Response.of(CLOSED)}),
    }
    with running(testbed, console, peers) as bus:
        yield Surroundings(testbed, bus, users, peers, World)


ORDER = Role(ROLE, CASES, surroundings)
