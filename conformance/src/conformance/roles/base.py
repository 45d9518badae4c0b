"""What every role has: the app, its peers, and who brings them up."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
from rich.console import Console

from conformance.broker import Bus
from conformance.cases import Cases
from conformance.door import Door
from conformance.peers import Peer, Users
from conformance.seats import AppUnderTest, Seat
from conformance.standins import StandIn
from conformance.testbed import Testbed

OPERATOR_ID = 3


@dataclass
class World:
    """What the cases of a role act on. `peers` are the played apps by app-id, usercenter (`users`) among them."""

    testbed: Testbed
    app: AppUnderTest
    bus: Bus
    users: Users
    peers: Mapping[str, Peer]

    @property
    def role(self) -> str:
        return self.testbed.role

    @property
    def controls_app(self) -> bool:
        return self.app.is_ours

    @property
    def door(self) -> Door:
        return self.app.first.door

    def restore(self) -> None:
        for name, standin in self.testbed.standins.items():
            standin.start()
            self.peers[name].restore()
        if self.app.is_ours:
            self.app.restore()

    def operator(self, method: str, body: Mapping[str, Any]) -> Any:
        """`data` of the response of an operations method."""
        bearer = self.users.sign_in.bearer(OPERATOR_ID, "operator")
        return self.door.operator(f"/{self.role}/v1/ops/{method}", body, bearer)

    def invoke(self, caller: str, method: str, body: Mapping[str, Any]) -> httpx.Response:
        """A call of the app through both sidecars, as the app of a played peer makes it."""
        token = self.testbed.environment.vault.token(f"{caller}-dapr-token")
        url = f"{self.testbed.where.url(f'{caller}-dapr-http')}/v1.0/invoke/{self.role}/method/{method}"
        return httpx.post(url, json=body, headers={"dapr-api-token": token}, timeout=15, trust_env=False)

    def called_by(self, caller: str, method: str, body: Mapping[str, Any]) -> httpx.Response:
        """An internal method at the app's own door, as its sidecar passes on a call of `caller`."""
        headers = self.door.as_sidecar | {"dapr-caller-app-id": caller}
        return self.door.request("POST", f"/internal/{method}", body=body, headers=headers)

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """PostgreSQL has stopped, and starts again at the end."""
        self.testbed.stop_part("postgres")
        try:
            yield
        finally:
            self.testbed.start_part("postgres")


W = TypeVar("W", bound=World)


@dataclass(frozen=True)
class Surroundings(Generic[W]):
    """All but the app: several may be tried in it, one after another. `make` is given the app and what all roles have."""

    testbed: Testbed
    bus: Bus
    users: Users
    peers: Mapping[str, Peer]
    make: Callable[[Testbed, AppUnderTest, Bus, Users, Mapping[str, Peer]], W]
    clear: Callable[[], None] = lambda: None

    @contextmanager
    def world(self, seat: Seat, *, wait: float) -> Iterator[W]:
        """With this app, ready within `wait` seconds."""
        app = AppUnderTest(self.testbed, seat)
        try:
            app.start(wait=wait)
            yield self.make(self.testbed, app, self.bus, self.users, self.peers)
        finally:
            self.clear()
            app.stop()


@contextmanager
def running(testbed: Testbed, console: Console, peers: Mapping[str, Peer]) -> Iterator[Bus]:
    """What stands around the app is up; ended when the block is left."""
    standins = {name: StandIn(testbed.where.port(name), peer) for name, peer in peers.items()}
    try:
        testbed.start(console, standins)
        bus = Bus(testbed.environment.broker)
        yield bus
        bus.close()
    finally:
        testbed.stop()


@dataclass(frozen=True)
class Role(Generic[W]):
    """`surroundings` takes the folder of keys, data and logs, and the port where an app listens already."""

    name: str
    cases: Cases[W]
    surroundings: Callable[[Path, Console, int | None], AbstractContextManager[Surroundings[W]]]
