"""Brings up what stands around payment."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
from rich.console import Console

from conformance.peers import Peer, Users
from conformance.roles.base import Role, Surroundings, running
from conformance.roles.payment.cases import CASES
from conformance.roles.payment.world import Payables, World
from conformance.testbed import Testbed

ROLE = "payment"


@contextmanager
def surroundings(folder: Path, console: Console, app_port: int | None) -> Iterator[Surroundings[World]]:
    testbed = Testbed.plan(ROLE, folder, told=lambda _: {}, app_port=app_port)
    users, payables = Users(), Payables()
    order = Peer({"/internal/payable": payables.one, "/internal/payables": payables.several})
    peers = {"usercenter": users.peer, "order": order}
    sim = httpx.Client(base_url=testbed.where.url("wechatsim"), timeout=10, trust_env=False)
    with running(testbed, console, peers) as bus, sim:
        yield Surroundings(testbed, bus, users, peers, partial(World, payables=payables, sim=sim))


PAYMENT = Role(ROLE, CASES, surroundings)
