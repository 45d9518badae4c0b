import json
import secrets

import httpx
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from tests.service.usercenter.conftest import held
from tests.support.operators import TOTP_KEY, Authenticator
from tests.support.postgres import as_owner

from servicekit import acts, idempotency, replicas
from servicekit.secrets import BadSecret
from servicekit.testing import APP_TOKEN, FakeSidecar, client
from usercenter import models
from usercenter.main import create_app
from usercenter.seed import SeedSettings, seed
from usercenter.settings import Settings

PASSWORDS = {"buyer": "buyer-password", "merchant": "merchant-password", "operator": "a lamp on the quay"}


@pytest.fixture(scope="module")
def own_url(postgres) -> str:
    return postgres.migrated("usercenter", f"usercenter_seed_{secrets.token_hex(4)}")


def environment(url: str, **changes: str) -> SeedSettings:
    values = {
        "wxma_appid": "wx1",
        "seed_buyer_mobile": "13800000001",
        "seed_buyer_password": "buyer-password",
        "seed_buyer_openid": "o-buyer",
        "seed_merchant_mobile": "13800000002",
        "seed_merchant_password": "merchant-password",
        "seed_operator_mobile": "13800000003",
        "seed_operator_password": "a lamp on the quay",
    }
    return SeedSettings(database_url=url, **(values | changes))


def rows(url: str) -> list:
    with psycopg.connect(url) as connection:
        users = connection.execute(
            'select id, mobile, nickname, sex, avatar, info, roles, password_hash from "user" order by id'
        ).fetchall()
        auths = connection.execute("select user_id, auth_type, auth_key from user_auth order by 1, 2").fetchall()
    return [users, auths]


def acts_of(url: str) -> list:
    with psycopg.connect(url) as connection:
        return connection.execute("select operator_id, act, subject, note from operator_act order by seq").fetchall()


def proofs(url: str) -> set:
    with psycopg.connect(url) as connection:
        return {by for (by,) in connection.execute('select mobile_proven_by from "user"')}


async def test_seeding_twice_is_seeding_once(own_url):
    await seed(environment(own_url))
    once = rows(own_url)
    granted = acts_of(own_url)
    await seed(environment(own_url))
    assert rows(own_url) == once
    assert acts_of(own_url) == granted
    assert granted == [
        (0, "password-set", "user:1", "by the seed"),
        (0, "role-grant", "user:2", "merchant; by the seed"),
        (0, "password-set", "user:2", "by the seed"),
        (0, "role-grant", "user:3", "operator; by the seed"),
        (0, "password-set", "user:3", "by the seed"),
        (0, "role-grant", "user:4", "merchant; by the seed"),
        (0, "role-grant", "user:5", "merchant; by the seed"),
        (0, "role-grant", "user:6", "merchant; by the seed"),
    ]

    users, auths = once
    assert [user[0] for user in users] == list(range(1, 13))
    assert [user[6] for user in users[:3]] == [["buyer"], ["buyer", "merchant"], ["buyer", "operator"]]
    assert [user[0] for user in users if "merchant" in user[6]] == [2, 4, 5, 6]
    assert [user[0] for user in users if user[7] is None] == list(range(4, 13))
    assert proofs(own_url) == {"seed"}
    assert [user[4] for user in users] == [f"/static/avatars/{n}.svg" for n in range(1, 13)]
    assert auths == [
        (1, "system", "13800000001"),
        (1, "wxMini", "o-buyer"),
        (2, "system", "13800000002"),
        (3, "system", "13800000003"),
    ]


async def test_seeded_people_sign_in_and_newcomers_get_ids_above_a_thousand(own_url):
    await seed(environment(own_url))
    settings = Settings(
        database_url=own_url, app_api_token=APP_TOKEN, wxma_base_url="http://wechat.invalid", wxma_appid="wx1"
    )
    app = create_app(
        settings,
        sidecar=FakeSidecar(),
        held_secrets=held(),
    )
    async with client(app) as http:
        for n, who in enumerate(("buyer", "merchant", "operator"), 1):
            body = {"mobile": f"1380000000{n}", "password": PASSWORDS[who]}
            assert (await http.post("/usercenter/v1/user/login", json=body)).status_code == 200
        await http.post("/usercenter/v1/user/register", json={"mobile": "13900000009", "password": "correct horse"})
        users, _ = rows(own_url)
        assert users[-1][:2] == (users[-1][0], "13900000009")
        assert users[-1][0] > 1000


async def test_the_laptops_operator_signs_in_with_a_code_of_the_seeded_secret(own_url, tmp_path):
    file = tmp_path / "usercenter.json"
    file.write_text(json.dumps({"usercenter": {"totp-key": TOTP_KEY}}))
    phone = Authenticator("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    given = {"seed_operator_totp_secret": phone.secret, "seed_secrets_file": str(file)}
    await seed(environment(own_url, **given))
    settings = Settings(
        database_url=own_url, app_api_token=APP_TOKEN, wxma_base_url="http://wechat.invalid", wxma_appid="wx1"
    )
    keys = held()
    async with client(create_app(settings, sidecar=FakeSidecar(), held_secrets=keys)) as http:
        body = {"mobile": "13800000003", "password": "a lamp on the quay", "totpCode": phone.code()}
        signed_in = await http.post("/usercenter/v1/user/login", json=body)
        assert (signed_in.status_code, signed_in.json()["data"]["operatorNeeds"]) == (200, None)
        with psycopg.connect(own_url) as connection:
            before = connection.execute("select * from second_factor").fetchall()
        await seed(environment(own_url, **given))
        with psycopg.connect(own_url) as connection:
            assert connection.execute("select * from second_factor").fetchall() == before
        assert (await http.post("/usercenter/v1/user/login", json=body)).status_code == 401


async def test_a_seeded_secret_without_a_key_is_refused(own_url):
    with pytest.raises(SystemExit, match="USERCENTER_SEED_SECRETS_FILE"):
        await seed(environment(own_url, seed_operator_totp_secret="GEZDGNBVGY3TQOJQ"))


async def test_a_changed_password_and_openid_take_effect(own_url):
    await seed(environment(own_url))
    before = rows(own_url)
    await seed(environment(own_url, seed_buyer_password="another-password", seed_buyer_openid="o-other"))
    after = rows(own_url)
    assert after[0][0][7] != before[0][0][7]
    assert after[0][1:] == before[0][1:]
    assert [auth for auth in after[1] if auth[:2] == (1, "wxMini")] == [(1, "wxMini", "o-other")]


async def test_the_migrations_make_what_the_models_say(own_url):
    engine = create_engine(as_owner(own_url).replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(
            context, [models.Base.metadata, idempotency.metadata, acts.metadata, replicas.metadata]
        )
    engine.dispose()
    assert difference == []


async def test_without_the_secrets_nothing_is_served():
    settings = Settings(
        database_url="postgresql://absent@127.0.0.1:1/none",
        app_api_token=APP_TOKEN,
        wxma_base_url="http://wechat.invalid",
        wxma_appid="wx1",
    )
    app = create_app(
        settings,
        sidecar=FakeSidecar(),
        held_secrets=held() | {"jwt-private-key": "nonsense"},
    )
    with pytest.raises(BadSecret, match="secret jwt-private-key cannot be used"):
        async with client(app):
            pytest.fail("it must not start")


async def test_with_the_database_away_the_answer_is_503_and_the_process_lives():
    settings = Settings(
        database_url="postgresql://absent@127.0.0.1:1/none",
        app_api_token=APP_TOKEN,
        wxma_base_url="http://wechat.invalid",
        wxma_appid="wx1",
    )
    app = create_app(
        settings,
        sidecar=FakeSidecar(),
        held_secrets=held(),
    )
    async with client(app) as http:
        answer: httpx.Response = await http.post(
            "/usercenter/v1/user/login", json={"mobile": "13900000000", "password": "password"}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, 100005)
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503
