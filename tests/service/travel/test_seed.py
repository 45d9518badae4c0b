import secrets

import psycopg
import pytest

from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, client
from travel.main import create_app
from travel.seed import seed
from travel.settings import Settings

TABLES = ("homestay_business", "homestay", "homestay_activity", "homestay_comment")


@pytest.fixture(scope="module")
def own_url(postgres) -> str:
    return postgres.migrated("travel", f"travel_seed_{secrets.token_hex(4)}")


def rows(url: str) -> list[list]:
    with psycopg.connect(url) as connection:
        return [connection.execute(f"select * from {table} order by id").fetchall() for table in TABLES]  # noqa: S608 - our own names


async def test_seeding_twice_is_seeding_once_and_leaves_what_was_changed(own_url):
    await seed(own_url)
    with psycopg.connect(own_url) as connection:
        connection.execute("update homestay set homestay_price_fen = 12345 where id = 1")
    once = rows(own_url)
    await seed(own_url)
    assert rows(own_url) == once
    assert [len(table) for table in once] == [4, 12, 12, 43]


async def test_new_rows_get_ids_above_a_thousand(own_url):
    await seed(own_url)
    with psycopg.connect(own_url) as connection:
        for table in TABLES:
            sequence = f"select nextval('{table}_id_seq')"
            assert connection.execute(sequence).fetchone()[0] > 1000


@pytest.mark.parametrize(
    "statement",
    [
        "update homestay set homestay_price_fen = 0 where id = 1",
        "update homestay set food_price_fen = -1 where id = 1",
        "update homestay set people_num = 0 where id = 1",
        "update homestay set sold_by = 2 where id = 1",
        "update homestay set user_id = 4 where id = 1",
        "update homestay_comment set value = 6 where id = 1",
        "update homestay_comment set order_sn = (select order_sn from homestay_comment where id = 2) where id = 1",
        "update homestay_business set user_id = 4 where id = 1",
    ],
)
async def test_the_database_refuses_what_must_not_be(own_url, statement):
    await seed(own_url)
    with psycopg.connect(own_url) as connection, pytest.raises(psycopg.IntegrityError):
        connection.execute(statement)


async def test_with_the_database_away_the_answer_is_503_and_the_process_lives():
    settings = Settings(database_url="postgresql://absent@127.0.0.1:1/none", app_api_token=APP_TOKEN)
    app = create_app(settings, sidecar=FakeSidecar(), verifier=Tokens().verifier())
    async with client(app) as http:
        answer = await http.post("/travel/v1/homestay/guessList", json={})
        assert (answer.status_code, answer.json()["code"]) == (503, 100005)
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503
