"""travel in process on a real PostgreSQL, seeded; its peers played by a sidecar that remembers."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest
from tests.service.travel.hosting import profile_of, user_ids
from tests.support.databases import kept_between_tests
from tests.support.peers import PublishedPeers
from tests.support.postgres import PostgresServer, as_owner

from servicekit.testing import APP_TOKEN, Tokens, client
from travel.main import create_app
from travel.seed import seed
from travel.settings import Settings


@pytest.fixture(scope="session")
async def seeded(postgres: PostgresServer) -> str:
    """The name of a database with the seeded homestays, to be copied."""
    name = "template_travel_seeded"
    await seed(postgres.migrated("travel", name))
    return name


@pytest.fixture(autouse=True, scope="module")
async def _kept_databases() -> AsyncIterator[None]:
    async with kept_between_tests():
        yield


@pytest.fixture(scope="module")
def database_url(postgres: PostgresServer, seeded: str) -> str:
    return postgres.copy(seeded, f"travel_{secrets.token_hex(4)}")


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def sidecar() -> PublishedPeers:
    return PublishedPeers()


@pytest.fixture
def patience() -> float:
    """Seconds that a list waits for its hosts' profiles: more than a busy machine needs."""
    return 30.0


@pytest.fixture
async def http(
    database_url: str, sidecar: PublishedPeers, tokens: Tokens, patience: float
) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(database_url=database_url, app_api_token=APP_TOKEN, profiles_timeout_seconds=patience)
    async with client(create_app(settings, sidecar=sidecar, verifier=tokens.verifier())) as connected:
        yield connected


@pytest.fixture
def people(sidecar: PublishedPeers) -> None:
    """usercenter knows every user but 11."""

    def answer(request: httpx.Request) -> httpx.Response:
        ids = [n for n in json.loads(request.content)["ids"] if n != 11]
        return httpx.Response(200, json={"users": [profile_of(n, f"user {n}") for n in ids]})

    sidecar.answers["usercenter", "/internal/usersByIds"] = answer


@pytest.fixture
def sql(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(as_owner(database_url), autocommit=True) as connection:
        yield connection


@pytest.fixture
def host(sql) -> int:
    """The user id of a host with a shop of its own."""
    user_id = next(user_ids)
    sql.execute("insert into homestay_business (user_id, title, row_state) values (%s, '小院', 1)", [user_id])
    return user_id
