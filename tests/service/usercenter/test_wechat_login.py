import asyncio
import base64
import re
from datetime import timedelta

import httpx
import jwt
import pytest
from tests.service.usercenter.conftest import sealed

PATH = "/usercenter/v1/user/wxMiniAuth"


def user_id(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    return int(jwt.decode(answer.json()["data"]["accessToken"], options={"verify_signature": False})["sub"])


def counts(sql) -> tuple[int, int]:
    return sql.execute('select (select count(*) from "user"), (select count(*) from user_auth)').fetchone()


async def test_a_new_user_is_registered_by_phone_and_openid_without_a_login(http, sql, mobile, wechat, wechat_user):
    guest = wechat_user(mobile)
    answer = await http.post(PATH, json=guest.sign_in())
    told = ["accessExpire", "accessToken", "deviceToken", "operatorNeeds", "refreshAfter", "refreshToken"]
    assert sorted(answer.json()["data"]) == told
    row = sql.execute('select mobile, nickname, password_hash from "user" where id = %s', [user_id(answer)]).fetchone()
    assert (row[0], row[2]) == (mobile, None)
    assert re.fullmatch("民宿用户[0-9a-f]{8}", row[1])  # which is public, and tells nothing of the mobile
    auths = sql.execute("select auth_type, auth_key from user_auth where user_id = %s", [user_id(answer)]).fetchall()
    assert auths == [("wxMini", guest.openid)]
    asked = dict(wechat.calls.last.request.url.params)
    assert asked.items() >= {"appid": "wx0123456789abcdef", "secret": "the-app-secret"}.items()
    assert asked["grant_type"] == "authorization_code"


async def test_a_bound_openid_signs_in_to_its_account_even_with_another_phone(http, sql, mobile, wechat_user):
    guest = wechat_user(mobile)
    first = user_id(await http.post(PATH, json=guest.sign_in()))
    before = counts(sql)
    guest.phone = "13712345678"
    assert user_id(await http.post(PATH, json=guest.sign_in())) == first
    assert counts(sql) == before


async def test_a_phone_that_registered_by_password_is_bound_to_its_account(http, sql, mobile, wechat_user):
    registered = await http.post("/usercenter/v1/user/register", json={"mobile": mobile, "password": "correct horse"})
    bound = await http.post(PATH, json=wechat_user(mobile).sign_in())
    assert user_id(bound) == user_id(registered)
    types = sql.execute("select auth_type from user_auth where user_id = %s order by 1", [user_id(bound)]).fetchall()
    assert types == [("system",), ("wxMini",)]


async def test_an_account_is_not_handed_to_a_second_wechat_user(http, sql, mobile, wechat_user):
    await http.post(PATH, json=wechat_user(mobile).sign_in())
    before = counts(sql)
    refused = await http.post(PATH, json=wechat_user(mobile).sign_in())
    assert (refused.status_code, refused.json()["code"]) == (409, 100204)
    assert counts(sql) == before


async def test_many_sign_ins_of_one_person_at_once_end_in_one_account(http, sql, mobile, wechat_user):
    guest = wechat_user(mobile)
    before = counts(sql)
    answers = await asyncio.gather(*(http.post(PATH, json=guest.sign_in()) for _ in range(8)))
    assert len({user_id(answer) for answer in answers}) == 1
    assert counts(sql) == (before[0] + 1, before[1] + 1)


async def test_one_openid_with_several_phones_at_once_ends_in_one_account(http, sql, mobile, wechat_user):
    guests = [wechat_user(f"{mobile[:-1]}{digit}", "o" + mobile + "sameopenid") for digit in range(8)]
    before = counts(sql)
    answers = await asyncio.gather(*(http.post(PATH, json=guest.sign_in()) for guest in guests))
    assert len({user_id(answer) for answer in answers}) == 1
    assert counts(sql) == (before[0] + 1, before[1] + 1)


async def test_registering_and_binding_at_once_end_in_one_account(http, sql, mobile, wechat_user):
    before = counts(sql)
    registered, bound = await asyncio.gather(
        http.post("/usercenter/v1/user/register", json={"mobile": mobile, "password": "correct horse"}),
        http.post(PATH, json=wechat_user(mobile).sign_in()),
    )
    assert user_id(bound)
    assert registered.status_code in {200, 409}
    assert counts(sql)[0] == before[0] + 1


async def test_the_same_request_under_the_same_key_signs_in_again_without_asking_wechat(
    http, mobile, wechat, wechat_user
):
    body, key = wechat_user(mobile).sign_in(), {"Idempotency-Key": "wx-" + mobile}
    first = await http.post(PATH, json=body, headers=key)
    again = await http.post(PATH, json=body, headers=key)
    assert user_id(first) == user_id(again)
    assert wechat.calls.call_count == 1


async def test_a_copied_request_with_its_key_signs_in_for_one_minute_and_no_longer(
    http, sql, mobile, clock, wechat, wechat_user
):
    body, key = wechat_user(mobile).sign_in(), {"Idempotency-Key": "copied-" + mobile}
    first = user_id(await http.post(PATH, json=body, headers=key))
    sessions = "select count(*) from user_session where user_id = %s"
    try:
        clock.ahead += timedelta(seconds=59)
        assert user_id(await http.post(PATH, json=body, headers=key)) == first
        assert sql.execute(sessions, [first]).fetchone() == (2,)
        clock.ahead += timedelta(seconds=2)
        refused = await http.post(PATH, json=body, headers=key)
    finally:
        clock.ahead = timedelta()
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/wechat-code-invalid")
    assert sql.execute(sessions, [first]).fetchone() == (2,)
    assert wechat.calls.call_count == 1


@pytest.mark.parametrize(
    ("errcode", "status", "slug", "field"),
    [
        (40029, 422, "wechat-code-invalid", "code"),
        (40163, 422, "wechat-code-invalid", "code"),
        (45011, 429, "wechat-busy", None),
        (40226, 403, "wechat-user-blocked", None),
        (-1, 503, "wechat-unavailable", None),
        (40013, 503, "wechat-unavailable", None),
        (40125, 503, "wechat-unavailable", None),
        (99999, 503, "wechat-unavailable", None),
    ],
)
async def test_wechats_refusals_are_told_as_problems_and_write_nothing(
    http, sql, mobile, wechat, wechat_user, errcode, status, slug, field
):
    body = wechat_user(mobile).sign_in()
    wechat.get("/sns/jscode2session").respond(text=f'{{"errcode":{errcode},"errmsg":"no rid: 1-2"}}')
    wechat.routes.clear()
    wechat.get("/sns/jscode2session").respond(text=f'{{"errcode":{errcode},"errmsg":"no rid: 1-2"}}')
    before = counts(sql)
    refused = await http.post(PATH, json=body)
    assert refused.status_code == status
    assert refused.json()["type"] == f"/problems/{slug}"
    assert refused.json().get("field") == field
    if status in {429, 503}:
        assert int(refused.headers["Retry-After"]) >= 1
    assert counts(sql) == before


@pytest.mark.parametrize(
    "broken",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(502, text="bad gateway"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"openid": "o1", "session_key": 5}),
        httpx.Response(200, json={"openid": "o1", "session_key": "c2hvcnQ="}),
    ],
)
async def test_without_a_usable_answer_of_wechat_the_guest_is_asked_to_wait(http, sql, mobile, wechat, broken):
    wechat.get("/sns/jscode2session").mock(
        **{"side_effect" if isinstance(broken, Exception) else "return_value": broken}
    )
    before = counts(sql)
    refused = await http.post(PATH, json={"code": "c" * 32, **sealed(b"k" * 16, {})})
    assert (refused.status_code, refused.json()["code"]) == (503, 100207)
    assert "secret" not in refused.text
    assert counts(sql) == before


async def test_data_for_another_app_is_refused(http, sql, mobile, wechat_user):
    before = counts(sql)
    refused = await http.post(PATH, json=wechat_user(mobile, appid="wxanotherapp").sign_in())
    assert (refused.status_code, refused.json()["field"]) == (422, "encryptedData")
    assert counts(sql) == before


async def test_data_under_another_session_key_is_refused(http, sql, mobile, wechat_user):
    body = wechat_user(mobile).sign_in() | sealed(b"another key 16 b", {"phoneNumber": mobile})
    before = counts(sql)
    refused = await http.post(PATH, json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, "encryptedData")
    assert counts(sql) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": None}, "code"),
        ({"code": "c" * 129}, "code"),
        ({"code": "c\x00"}, "code"),
        ({"iv": ""}, "iv"),
        ({"iv": None}, "iv"),
        ({"iv": base64.b64encode(b"i" * 15).decode()}, "iv"),
        ({"encryptedData": ""}, "encryptedData"),
        ({"encryptedData": "not base64!"}, "encryptedData"),
        ({"encryptedData": "A" * 4100}, "encryptedData"),
        ({"encryptedData": None}, "encryptedData"),
    ],
)
async def test_bad_input_is_refused_before_the_code_is_spent(http, wechat, wechat_user, mobile, change, field):
    refused = await http.post(PATH, json=wechat_user(mobile).sign_in() | change)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert wechat.calls.call_count == 0
