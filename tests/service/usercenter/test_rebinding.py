"""Another WeChat user for an account, another mini-program for its users."""

import asyncio
import secrets
import time

import httpx
import jwt
import pytest
from tests.service.usercenter.conftest import APPID, SECOND, WECHAT, held

from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, called_by, client
from usercenter.main import create_app
from usercenter.settings import Settings

WX, DETAIL = "/usercenter/v1/user/wxMiniAuth", "/usercenter/v1/user/detail"
RELEASE, LOOK, ACTS = (f"/usercenter/v1/ops/{name}" for name in ("accountRelease", "accountDetail", "actList"))
OPERATOR = 3


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture(scope="module")
async def desk(settings, clock, tokens):
    """usercenter that takes an operator's token of the test's own."""
    keys = held()
    app = create_app(settings, clock=clock, sidecar=FakeSidecar(), verifier=tokens.verifier(), held_secrets=keys)
    async with client(app) as http:
        yield http


@pytest.fixture
def operator(tokens):
    return tokens.bearer(OPERATOR, "buyer", "operator")


@pytest.fixture
async def second(database_url, clock):
    """usercenter of a second mini-program, on the same accounts."""
    settings = Settings(database_url=database_url, app_api_token=APP_TOKEN, wxma_base_url=WECHAT, wxma_appid=SECOND)
    keys = held()
    async with client(create_app(settings, clock=clock, sidecar=FakeSidecar(), held_secrets=keys)) as http:
        yield http


def user_id(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    return int(jwt.decode(answer.json()["data"]["accessToken"], options={"verify_signature": False})["sub"])


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": "Bearer " + answer.json()["data"]["accessToken"]}


async def openid(http, number, **more):
    body = {"userId": number, "authType": "wxMini"} | more
    return (await http.post("/internal/authByUser", json=body, headers=called_by("payment"))).json().get("authKey")


async def test_an_operator_releases_an_account_and_the_phones_owner_binds_another_wechat(
    http, desk, operator, sql, mobile, wechat_user
):
    key = {"Idempotency-Key": secrets.token_hex(8)}
    old, new = wechat_user(mobile), wechat_user(mobile)
    body = old.sign_in()
    before = await http.post(WX, json=body, headers=key)
    assert (await http.post(WX, json=new.sign_in())).json()["code"] == 100204

    done = await desk.post(RELEASE, json={"mobile": mobile, "note": "lost their WeChat, called back"}, headers=operator)
    assert done.status_code == 200, done.text
    shown = done.json()["data"]
    assert (shown["wechat"], shown["hasPassword"], shown["mobileProvenAt"]) == ([], False, None)
    assert [(act["operatorId"], act["act"], act["note"]) for act in shown["acts"]] == [
        (OPERATOR, "account-release", "lost their WeChat, called back")
    ]
    assert (await http.post(DETAIL, headers=bearer(before))).status_code == 401
    assert (
        await http.post(WX, json=body, headers=key)
    ).status_code == 401  # the replay of a sign-in that was true once

    after = await http.post(WX, json=new.sign_in())
    assert user_id(after) == user_id(before)
    assert await openid(http, user_id(after)) == new.openid
    assert (await http.post(WX, json=old.sign_in())).json()["code"] == 100204
    assert sql.execute('select mobile_proven_by from "user" where mobile = %s', [mobile]).fetchone() == ("wechat",)


async def test_an_account_with_a_role_is_not_released(http, desk, operator, sql, mobile, wechat_user):
    await http.post(WX, json=wechat_user(mobile).sign_in())
    sql.execute("""update "user" set roles = '{buyer,merchant}' where mobile = %s""", [mobile])
    state = """select u.*, a.* from "user" u join user_auth a on a.user_id = u.id where u.mobile = %s"""
    before = sql.execute(state, [mobile]).fetchall()
    refused = await desk.post(RELEASE, json={"mobile": mobile, "note": "n"}, headers=operator)
    assert (refused.status_code, refused.json()["code"]) == (409, 100210)
    assert sql.execute(state, [mobile]).fetchall() == before


@pytest.mark.parametrize("path", [RELEASE, LOOK, ACTS])
async def test_only_an_operator_may(desk, tokens, mobile, path):
    body = {"mobile": mobile, "note": "n"}
    assert (await desk.post(path, json=body)).status_code == 401
    assert (await desk.post(path, json=body, headers=tokens.bearer(2, "buyer", "merchant"))).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"), [({"note": ""}, "note"), ({"note": None}, "note"), ({"mobile": "1"}, "mobile")]
)
async def test_bad_input_is_refused_by_field(desk, operator, mobile, change, field):
    refused = await desk.post(RELEASE, json={"mobile": mobile, "note": "why"} | change, headers=operator)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


async def test_an_unknown_mobile_is_not_found(desk, operator):
    for path in (RELEASE, LOOK):
        answer = await desk.post(path, json={"mobile": "19900000000", "note": "why"}, headers=operator)
        assert answer.status_code == 404


async def test_what_an_operator_sees_holds_no_openid_and_no_password(http, desk, operator, mobile, wechat_user):
    guest = wechat_user(mobile)
    await http.post(WX, json=guest.sign_in())
    answer = await desk.post(LOOK, json={"mobile": mobile}, headers=operator)
    shown = answer.json()["data"]
    assert [each["appid"] for each in shown["wechat"]] == [APPID]
    assert (shown["mobile"], shown["mobileProvenBy"], shown["roles"]) == (mobile, "wechat", ["buyer"])
    assert guest.openid not in answer.text
    await desk.post(LOOK, json={"mobile": mobile, "note": "owner calls"}, headers=operator)
    read = await desk.post(LOOK, json={"mobile": mobile}, headers=operator)
    acts = [(each["act"], each["operatorId"], each["note"]) for each in read.json()["data"]["acts"]]
    assert acts == [("account-read", OPERATOR, None), ("account-read", OPERATOR, "owner calls")]


async def test_acts_are_listed_newest_first(http, desk, operator, mobile, wechat_user):
    await http.post(WX, json=wechat_user(mobile).sign_in())
    await desk.post(RELEASE, json={"mobile": mobile, "note": "why"}, headers=operator)
    [newest] = (await desk.post(ACTS, json={"pageSize": 1}, headers=operator)).json()["data"]["list"]
    assert (newest["act"], newest["note"], newest["operatorId"]) == ("account-release", "why", OPERATOR)


async def test_a_second_mini_program_lets_the_users_of_the_first_in(http, second, mobile, wechat_user):
    first = wechat_user(mobile)
    there = wechat_user(mobile, appid=SECOND)
    number = user_id(await http.post(WX, json=first.sign_in()))
    assert user_id(await second.post(WX, json=there.sign_in())) == number
    assert user_id(await http.post(WX, json=first.sign_in())) == number

    assert await openid(http, number, appid=APPID) == first.openid
    assert await openid(http, number, appid=SECOND) == there.openid
    assert await openid(http, number) == there.openid
    assert await openid(http, number, appid="wxnone") is None
    assert (await second.post(WX, json=wechat_user(mobile, appid=SECOND).sign_in())).json()["code"] == 100204


async def test_an_openid_of_another_mini_program_is_another_persons(http, second, mobile, wechat_user):
    """The same characters under another appid say nothing about who it is."""
    mine = wechat_user(mobile)
    number = user_id(await http.post(WX, json=mine.sign_in()))
    other = wechat_user(f"138{secrets.randbelow(10**8):08d}", mine.openid, SECOND)
    assert user_id(await second.post(WX, json=other.sign_in())) != number


async def test_an_openid_kept_before_appids_were_is_found_and_named(http, sql, mobile, wechat_user):
    guest = wechat_user(mobile)
    number = user_id(await http.post(WX, json=guest.sign_in()))
    sql.execute("update user_auth set appid = '' where user_id = %s", [number])
    assert await openid(http, number, appid=APPID) == guest.openid
    assert user_id(await http.post(WX, json=guest.sign_in())) == number
    assert sql.execute("select appid from user_auth where user_id = %s", [number]).fetchall() == [(APPID,)]


async def test_signing_in_in_the_moment_of_the_release_leaves_no_token_that_works(
    http, desk, operator, mobile, wechat_user
):
    """The old WeChat user's phone has another number by now."""
    old = wechat_user(mobile)
    await http.post(WX, json=old.sign_in())
    old.phone = f"138{secrets.randbelow(10**8):08d}"
    release = {"mobile": mobile, "note": "another owner"}
    answers = await asyncio.gather(
        *(http.post(WX, json=old.sign_in()) for _ in range(4)),
        desk.post(RELEASE, json=release, headers=operator),
        *(http.post(WX, json=old.sign_in()) for _ in range(4)),
    )
    released = answers[4].json()["data"]
    assert released["wechat"] == []
    for answer in answers[:4] + answers[5:]:
        if user_id(answer) == released["id"]:
            assert (await http.post(DETAIL, headers=bearer(answer))).status_code == 401


@pytest.fixture
async def of_before(http, sql, mobile, wechat_user):
    """A WeChat user who signed in before appids were kept, and not since: (who, their account's id)."""
    guest = wechat_user(mobile)
    number = user_id(await http.post(WX, json=guest.sign_in()))
    sql.execute("update user_auth set appid = '' where user_id = %s", [number])
    return guest, number


def kept(sql, number):
    state = """select u.*, a.auth_key, a.appid from "user" u join user_auth a on a.user_id = u.id where u.id = %s"""
    return sql.execute(state, [number]).fetchall()


async def test_who_has_the_number_now_does_not_get_the_account_of_a_wechat_user_of_before(
    http, sql, mobile, wechat_user, of_before
):
    guest, number = of_before
    before = kept(sql, number)
    newcomer = wechat_user(mobile)
    answers = [await http.post(WX, json=newcomer.sign_in()) for _ in range(2)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, 100204)] * 2
    assert kept(sql, number) == before
    assert await openid(http, number, appid=APPID) == guest.openid

    assert user_id(await http.post(WX, json=guest.sign_in())) == number
    rows = sql.execute("select auth_key, appid from user_auth where user_id = %s", [number]).fetchall()
    assert rows == [(guest.openid, APPID)]


async def test_a_newcomer_and_the_wechat_user_of_before_at_once_are_told_apart(
    http, sql, mobile, wechat_user, of_before
):
    guest, number = of_before
    newcomer = wechat_user(mobile)
    bodies = [who.sign_in() for _ in range(3) for who in (newcomer, guest)]
    answers = await asyncio.gather(*(http.post(WX, json=body) for body in bodies))
    assert [answer.json()["code"] for answer in answers[0::2]] == [100204] * 3
    assert [user_id(answer) for answer in answers[1::2]] == [number] * 3
    rows = sql.execute("select auth_key, appid from user_auth where user_id = %s", [number]).fetchall()
    assert rows == [(guest.openid, APPID)]


async def test_an_account_that_two_wechat_users_came_to_have_refuses_the_older_one_until_it_is_released(
    http, desk, operator, sql, mobile, wechat_user, of_before
):
    """An earlier version gave it to both."""
    guest, number = of_before
    second = wechat_user(mobile)
    sql.execute(
        "insert into user_auth (user_id, auth_type, auth_key, appid) values (%s, 'wxMini', %s, %s)",
        [number, second.openid, APPID],
    )
    before = kept(sql, number)
    refused = await http.post(WX, json=guest.sign_in())
    assert (refused.status_code, refused.json()["code"]) == (409, 100204)
    assert kept(sql, number) == before
    release = {"mobile": mobile, "note": "two WeChat users, called back"}
    assert (await desk.post(RELEASE, json=release, headers=operator)).status_code == 200
    assert user_id(await http.post(WX, json=guest.sign_in())) == number


async def test_a_release_wants_a_proof_of_the_last_ten_minutes(http, desk, tokens, sql, mobile, wechat_user):
    number = user_id(await http.post(WX, json=wechat_user(mobile).sign_in()))
    account = 'select mobile_proven_by, token_generation, updated_at from "user" where id = %s'
    before = sql.execute(account, [number]).fetchone()
    headers = tokens.bearer(OPERATOR, "buyer", "operator", auth_time=int(time.time()) - 660)
    refused = await desk.post(RELEASE, json={"mobile": mobile, "note": "x"}, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/reauthentication-required")
    assert sql.execute(account, [number]).fetchone() == before
    acts = sql.execute("select act from operator_act where subject = %s", [f"user:{number}"]).fetchall()
    assert ("account-release",) not in acts
