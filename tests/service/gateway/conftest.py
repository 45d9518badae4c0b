"""The gateway in this process; behind it a sidecar that remembers what it was asked to carry."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.sync_api import Browser

from gateway.main import create_app
from servicekit.testing import FakeSidecar, client
from tests.service.gateway.guests import Village
from tests.service.gateway.operators import Operations
from tests.service.gateway.serving import chromium_of_the_repository, served, settings


class Peers(FakeSidecar):
    """Keeps whole requests, headers and bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[httpx.Request] = []

    async def invoke(self, app_id, method, path, **parts):
        self.requests.append(
            httpx.Request(
                method,
                f"http://{app_id}{path}",
                json=parts.get("json"),
                content=parts.get("content"),
                headers=parts.get("headers"),
            )
        )
        return await super().invoke(app_id, method, path, **parts)


@dataclass
class Door:
    """`http` is the outside world; `peers` is what lies behind the door."""

    http: httpx.AsyncClient
    peers: Peers = field(default_factory=Peers)


@pytest.fixture(scope="session")
async def gateway() -> AsyncIterator[Door]:
    peers = Peers()
    async with client(create_app(settings(max_body_bytes=4096), sidecar=peers)) as http:
        yield Door(http, peers)


@pytest.fixture
def door(gateway: Door) -> Door:
    """The one door of the session, with nothing behind it yet and nothing asked of it."""
    gateway.peers.answers.clear()
    gateway.peers.requests.clear()
    gateway.http.cookies.clear()
    return gateway


@pytest.fixture(scope="module")
def services() -> Operations:
    """Behind the console; what a test tells them is forgotten by `fresh()`."""
    return Operations()


@pytest.fixture(scope="module")
async def app(services: Operations) -> AsyncIterator[httpx.AsyncClient]:
    """The console's own, not signed in."""
    async with client(create_app(settings(), sidecar=services)) as http:
        yield http


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium_of_the_repository() as browser:
        yield browser


@pytest.fixture
def village() -> Iterator[Village]:
    village = Village()
    yield village
    assert village.faults == []


@pytest.fixture
def storefront(village: Village) -> Iterator[str]:
    with served(village.sidecar) as address:
        yield address
