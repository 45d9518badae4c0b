import asyncio
import dataclasses
import json
from datetime import timedelta

import jwt
import psycopg
import pytest
from argon2 import PasswordHasher
from tests.service.usercenter.sign_in import LOGIN, PASSWORD, REGISTER, bearer, login, refresh, register

from servicekit.testing import called_by
from usercenter.errors import MobileTaken
from usercenter.parts import Parts


@pytest.fixture
def cheap_hashes():
    """None of them: kept hashes are looked at."""


def users(sql: psycopg.Connection) -> int:
    return sql.execute('select count(*) from "user"').fetchone()[0]


async def test_who_registers_is_signed_in_and_sees_their_own_data(http, sql, mobile):
    answer = await register(http, mobile)
    assert answer.status_code == 200
    assert (answer.json()["code"], answer.json()["msg"]) == (200, "OK")

    detail = (await http.post("/usercenter/v1/user/detail", headers=bearer(answer))).json()["data"]["userInfo"]

    assert detail.keys() == {"id", "mobile", "nickname", "sex", "avatar", "info", "roles"}
    assert (detail["mobile"], detail["sex"], detail["info"], detail["roles"]) == (mobile, 0, "", ["buyer"])
    assert detail["nickname"].startswith("民宿用户")
    assert detail["avatar"].startswith("/static/avatars/")
    assert detail["id"] > 1000
    auths = sql.execute("select auth_type, auth_key from user_auth where user_id = %s", [detail["id"]]).fetchall()
    assert auths == [("system", mobile)]
    assert (
        sql.execute('select password_hash from "user" where mobile = %s', [mobile])
        .fetchone()[0]
        .startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    )


async def test_the_token_lives_a_quarter_of_an_hour_and_is_to_be_refreshed_half_way(http, mobile, clock):
    token = (await register(http, mobile)).json()["data"]
    keys = (await http.get("/internal/jwks", headers=called_by("travel"))).json()
    header = jwt.get_unverified_header(token["accessToken"])
    claims = jwt.decode(
        token["accessToken"],
        jwt.PyJWKSet.from_dict(keys)[header["kid"]],
        algorithms=["ES256"],
        audience="minsu",
        issuer="minsu-usercenter",
    )
    assert token["accessExpire"] == claims["exp"] == claims["iat"] + 900
    assert token["refreshAfter"] == claims["iat"] + 450
    assert claims["roles"] == ["buyer"]
    assert claims["sub"].isdigit()
    assert "d" not in keys["keys"][0]


async def test_a_mobile_registers_once_however_many_try_at_once(http, sql, mobile):
    before = users(sql)
    answers = await asyncio.gather(*(register(http, mobile) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert (refused["code"], refused["field"], refused["type"]) == (100202, "mobile", "/problems/mobile-taken")
    assert users(sql) == before + 1


async def test_who_cannot_show_the_code_does_not_learn_whether_a_mobile_is_known(http, sql, mobile):
    """Where a code is required, nothing tells a known mobile from an unknown one; before, it was told before the code."""
    await register(http, mobile)
    sql.execute("""update "user" set mobile_proven_at = now(), mobile_proven_by = 'code' where mobile = %s""", [mobile])
    before = users(sql)
    bodies = [{"mobile": each, "password": PASSWORD, "code": "000000"} for each in (mobile, f"138{mobile[3:]}")]
    answers = [await http.post(REGISTER, json=body) for body in bodies]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert {**answers[0].json(), "trace_id": ""} == {**answers[1].json(), "trace_id": ""}
    assert answers[0].json()["type"] == "/problems/mobile-code-wrong"
    assert users(sql) == before


async def test_a_known_and_an_unknown_mobile_take_the_same_work_at_a_registration(settings, sidecar, clock, mobile):
    """One hash each. Counted, not timed: the machine's noise is larger than what an attacker averages away."""
    parts = Parts.of(settings, clock=clock, sidecar=sidecar)
    hashed: list[str] = []

    class Counting(type(parts.passwords)):
        async def hash(self, password):
            hashed.append(password)
            return await super().hash(password)

    registration = dataclasses.replace(parts.registration, passwords=Counting())
    await registration.register(mobile, PASSWORD, None)
    assert hashed == [PASSWORD]
    with pytest.raises(MobileTaken):
        await registration.register(mobile, PASSWORD, None)
    assert hashed == [PASSWORD, PASSWORD]
    await parts.db.close()


async def test_registering_again_under_the_same_key_is_a_sign_in_and_keeps_no_token(http, sql, mobile):
    first = await register(http, mobile, **{"Idempotency-Key": "k1"})
    again = await register(http, mobile, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (
        jwt.decode(first.json()["data"]["accessToken"], options={"verify_signature": False})["sub"]
        == (jwt.decode(again.json()["data"]["accessToken"], options={"verify_signature": False})["sub"])
    )
    kept = sql.execute("select answer from idempotency_key where key = 'k1'").fetchone()[0]
    assert "oken" not in kept

    stranger = await register(http, mobile, "another password", **{"Idempotency-Key": "k1"})
    assert stranger.status_code == 401


async def test_an_unknown_mobile_and_a_wrong_password_get_the_same_answer(http, mobile):
    await register(http, mobile)
    wrong = await login(http, mobile, "wrong password")
    unknown = await login(http, "13000000000", "wrong password")
    assert wrong.status_code == unknown.status_code == 401
    assert {**wrong.json(), "trace_id": ""} == {**unknown.json(), "trace_id": ""}
    assert wrong.json()["code"] == 100201
    assert wrong.json()["msg"] == "手机号或密码不正确"


async def test_a_flood_of_sign_ins_is_turned_away_and_leaves_the_rest_alive(http, mobile):
    flood = [asyncio.create_task(login(http, f"137{n:08d}")) for n in range(80)]
    alive = await asyncio.wait_for(http.get("/livez"), 2)
    answers = await asyncio.gather(*flood)
    assert alive.status_code == 200
    assert {answer.status_code for answer in answers} == {401, 503}
    assert all(answer.headers["Retry-After"] == "1" for answer in answers if answer.status_code == 503)


async def test_refreshing_gives_a_later_token_with_todays_roles(http, sql, mobile, clock):
    signed_in = await register(http, mobile)
    sql.execute(
        """update "user" set roles = '{buyer,merchant}', mobile_proven_at = now(), mobile_proven_by = 'code'
        where mobile = %s""",
        [mobile],
    )
    clock.ahead += timedelta(minutes=30)
    try:
        answer = await refresh(http, signed_in)
    finally:
        clock.ahead = timedelta()
    data = answer.json()["data"]
    assert answer.status_code == 200
    assert data["accessExpire"] >= signed_in.json()["data"]["accessExpire"] + 1800
    assert jwt.decode(data["accessToken"], options={"verify_signature": False})["roles"] == ["buyer", "merchant"]


async def test_a_closed_account_cannot_be_used(http, sql, mobile):
    signed_in = await register(http, mobile)
    sql.execute('update "user" set deleted_at = now() where mobile = %s', [mobile])
    assert (await http.post("/usercenter/v1/user/detail", headers=bearer(signed_in))).status_code == 401
    assert (await refresh(http, signed_in)).status_code == 401
    assert (await login(http, mobile)).status_code == 401


@pytest.mark.parametrize("path", ["detail", "logout", "sessionList", "sessionEnd", "changePassword"])
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Basic dTpw"])
async def test_without_a_valid_token_nothing_is_shown(http, path, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    body = {"id": 1, "oldPassword": PASSWORD, "newPassword": PASSWORD}
    answer = await http.post(f"/usercenter/v1/user/{path}", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, 100003)


BAD = [
    ({"password": PASSWORD}, "mobile"),
    ({"mobile": None, "password": PASSWORD}, "mobile"),
    ({"mobile": "", "password": PASSWORD}, "mobile"),
    ({"mobile": "1390000000", "password": PASSWORD}, "mobile"),
    ({"mobile": "139000000000", "password": PASSWORD}, "mobile"),
    ({"mobile": "12900000000", "password": PASSWORD}, "mobile"),
    ({"mobile": "13900000000\n", "password": PASSWORD}, "mobile"),
    ({"mobile": "１３９００００００００", "password": PASSWORD}, "mobile"),
    ({"mobile": 13900000000, "password": PASSWORD}, "mobile"),
    ({"mobile": "13900000000"}, "password"),
    ({"mobile": "13900000000", "password": None}, "password"),
    ({"mobile": "13900000000", "password": ""}, "password"),
    ({"mobile": "13900000000", "password": "x" * 129}, "password"),
    ({"mobile": "13900000000", "password": ["x" * 8]}, "password"),
    ([], "body"),
    ("text", "body"),
    (None, "body"),
]


@pytest.mark.parametrize(
    ("password", "code", "slug"),
    [("123456789", 100220, "password-too-short"), ("1234567890", 100221, "password-too-common")],
)
async def test_a_new_password_that_is_short_or_common_is_refused_by_name(http, sql, mobile, password, code, slug):
    before = users(sql)
    answer = await register(http, mobile, password)
    told = answer.json()
    assert (answer.status_code, told["code"], told["type"], told["field"]) == (
        422,
        code,
        f"/problems/{slug}",
        "password",
    )
    assert users(sql) == before


@pytest.mark.parametrize("path", [REGISTER, LOGIN])
@pytest.mark.parametrize(("body", "field"), BAD)
async def test_bad_credentials_are_refused_by_field_and_write_nothing(http, sql, path, body, field):
    before = users(sql), sql.execute("select count(*) from sign_in_failures").fetchone()
    answer = await http.post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["code"] == 100002
    assert (users(sql), sql.execute("select count(*) from sign_in_failures").fetchone()) == before


UNREADABLE = [
    b"",
    b"{",
    b"\xff\xfe",
    b'{"mobile": "13900000000", "password": "\\ud800\\ud800\\ud800x"}',
    b"[" * 100_000,
    b'{"mobile": ' + b"1" * 10_000 + b"}",
    b'{"mobile": NaN, "password": 1e999}',
    b'{"mobile": "' + b"x" * 1_100_000 + b'"}',
]


@pytest.mark.parametrize("content", UNREADABLE, ids=range(len(UNREADABLE)))
async def test_bodies_that_cannot_be_read_are_refused(http, content):
    answer = await http.post(REGISTER, content=content, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500


async def test_a_password_may_hold_any_text(http, mobile):
    password = "密码\x01 🔑 ' or 1=1"
    assert (await register(http, mobile, password)).status_code == 200
    assert (await login(http, mobile, password)).status_code == 200


@pytest.mark.parametrize("password", ["secret\x00", "\ud800" * 6])
async def test_a_password_of_what_is_no_text_is_refused_by_name(http, sql, mobile, password):
    body = json.dumps({"mobile": mobile, "password": password})
    for name in ("register", "login"):
        answer = await http.post(
            f"/usercenter/v1/user/{name}", content=body, headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["field"]) == (422, "password")
    assert sql.execute('select count(*) from "user" where mobile = %s', [mobile]).fetchone() == (0,)


async def test_a_hash_of_weaker_parameters_is_renewed_at_the_next_sign_in(http, sql, mobile):
    await register(http, mobile)
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    sql.execute('update "user" set password_hash = %s where mobile = %s', [weak, mobile])
    assert (await login(http, mobile)).status_code == 200
    renewed = sql.execute('select password_hash from "user" where mobile = %s', [mobile]).fetchone()[0]
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await login(http, mobile)).status_code == 200


async def test_housekeeping_forgets_only_what_is_over(sql, settings, sidecar, clock):
    parts = Parts.of(settings, clock=clock, sidecar=sidecar)
    sql.execute("delete from sign_in_failures")
    sql.execute("""insert into sign_in_failures values
        ('a', 3, now() - interval '61 minutes', now()), ('b', 3, now() - interval '59 minutes', now())""")
    sql.execute("insert into login_failure values ('13900000001', 3, now() - interval '61 minutes')")
    await parts.housekeeping.delete_expired()
    assert sql.execute("select counted_by from sign_in_failures").fetchall() == [("b",)]
    assert sql.execute("select * from login_failure").fetchall() == []
    await parts.db.close()
