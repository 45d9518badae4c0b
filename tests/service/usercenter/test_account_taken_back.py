"""A mobile registered by a stranger: the user who proves the number gets the account, and nothing of before stays valid."""

import asyncio
import secrets
from datetime import UTC, datetime

import httpx
import jwt
import pytest

REGISTER, LOGIN = "/usercenter/v1/user/register", "/usercenter/v1/user/login"
WECHAT, DETAIL, REFRESH = (f"/usercenter/v1/user/{name}" for name in ("wxMiniAuth", "detail", "refreshToken"))
STRANGERS = "the stranger's password"


class SignedIn(dict[str, str]):
    """The headers of a session, and its refresh token."""

    def __init__(self, data: dict[str, str]) -> None:
        super().__init__(Authorization="Bearer " + data["accessToken"])
        self.refresh = {"refreshToken": data["refreshToken"]}


def token(answer: httpx.Response) -> SignedIn:
    assert answer.status_code == 200, answer.text
    return SignedIn(answer.json()["data"])


def user_id(headers: dict[str, str]) -> int:
    return int(jwt.decode(headers["Authorization"][7:], options={"verify_signature": False})["sub"])


async def register(http, mobile, password=STRANGERS, **headers):
    return await http.post(REGISTER, json={"mobile": mobile, "password": password}, headers=headers)


async def login(http, mobile, password=STRANGERS):
    return await http.post(LOGIN, json={"mobile": mobile, "password": password})


async def is_shut_out(http, mobile, headers):
    assert (await http.post(DETAIL, headers=headers)).status_code == 401
    assert (await http.post(REFRESH, json=headers.refresh)).status_code == 401
    assert (await login(http, mobile)).status_code == 401


async def test_the_stranger_was_first_and_is_shut_out_when_wechat_proves_the_number(http, sql, mobile, wechat_user):
    stranger = token(await register(http, mobile))
    owner = token(await http.post(WECHAT, json=wechat_user(mobile).sign_in()))
    assert user_id(owner) == user_id(stranger)

    await is_shut_out(http, mobile, stranger)
    assert (await http.post(DETAIL, headers=owner)).status_code == 200
    assert (await http.post(REFRESH, json=owner.refresh)).status_code == 200
    audit = "select operator_id, act, note from operator_act where subject = %s"
    assert sql.execute(audit, [f"user:{user_id(owner)}"]).fetchall() == [
        (0, "password-void", "set before the number was proven, by wechat")
    ]


async def test_the_owner_was_first_and_the_stranger_does_not_get_in(http, sql, mobile, wechat_user):
    owner = token(await http.post(WECHAT, json=wechat_user(mobile).sign_in()))
    before = sql.execute('select * from "user" where mobile = %s', [mobile]).fetchone()

    assert (await register(http, mobile)).status_code == 409
    assert (await login(http, mobile)).status_code == 401
    assert sql.execute('select * from "user" where mobile = %s', [mobile]).fetchone() == before
    assert (await http.post(DETAIL, headers=owner)).status_code == 200


async def test_the_strangers_replay_of_the_registration_opens_nothing(http, mobile, wechat_user):
    stranger = {"Idempotency-Key": secrets.token_hex(8)}
    await register(http, mobile, **stranger)
    token(await http.post(WECHAT, json=wechat_user(mobile).sign_in()))
    assert (await register(http, mobile, **stranger)).status_code == 401


async def test_a_number_that_wechat_proves_for_another_account_is_voided_where_it_was_registered(
    http, sql, mobile, wechat_user
):
    """The owner's WeChat is bound to the account of an earlier number: they have two numbers, or changed theirs."""
    owner = wechat_user(f"138{secrets.randbelow(10**8):08d}")
    first = token(await http.post(WECHAT, json=owner.sign_in()))
    stranger = token(await register(http, mobile))

    owner.phone = mobile
    assert user_id(token(await http.post(WECHAT, json=owner.sign_in()))) == user_id(first)

    await is_shut_out(http, mobile, stranger)
    proven = sql.execute('select mobile_proven_at from "user" where mobile = %s', [mobile]).fetchone()
    assert proven == (None,)
    notes = "select note from operator_act where subject = %s"
    expected = [(f"the number is proven to be that of user:{user_id(first)}",)]
    assert sql.execute(notes, [f"user:{user_id(stranger)}"]).fetchall() == expected
    token(await http.post(WECHAT, json=owner.sign_in()))
    assert sql.execute(notes, [f"user:{user_id(stranger)}"]).fetchall() == expected


@pytest.mark.parametrize("_", range(4))
async def test_signing_in_and_registering_in_the_moment_of_the_proof_leaves_no_way_in(http, mobile, wechat_user, _):
    await register(http, mobile)
    owner = wechat_user(mobile)
    answers = await asyncio.gather(
        *(login(http, mobile) for _ in range(3)),
        http.post(WECHAT, json=owner.sign_in()),
        register(http, mobile, **{"Idempotency-Key": "k" + mobile}),
        *(login(http, mobile) for _ in range(3)),
    )
    strangers = [answer for n, answer in enumerate(answers) if n != 3]
    assert {answer.status_code for answer in strangers} <= {200, 401, 409}
    for answer in strangers:
        if answer.status_code == 200:
            await is_shut_out(http, mobile, token(answer))
    assert (await http.post(DETAIL, headers=token(answers[3]))).status_code == 200


async def test_registering_while_wechat_proves_the_number_leaves_no_way_in(http, mobile, wechat_user):
    registered, bound = await asyncio.gather(
        register(http, mobile), http.post(WECHAT, json=wechat_user(mobile).sign_in())
    )
    assert (await http.post(DETAIL, headers=token(bound))).status_code == 200
    if registered.status_code == 200:
        await is_shut_out(http, mobile, token(registered))
    assert (await login(http, mobile)).status_code == 401


@pytest.mark.parametrize("proof", ["wechat", "code"])
async def test_an_operator_who_vouched_does_not_stand_against_the_phones_owner(
    http, sql, sidecar, mobile, wechat_user, proof
):
    stranger = token(await register(http, mobile))
    vouch = """update "user" set mobile_proven_at = now(), mobile_proven_by = 'operator' where mobile = %s"""
    sql.execute(vouch, [mobile])
    if proof == "wechat":
        owner = token(await http.post(WECHAT, json=wechat_user(mobile).sign_in()))
    else:
        await http.post("/usercenter/v1/user/sendMobileCode", json={"mobile": mobile})
        code = sidecar.handed_over[-1][2]["code"]
        owner = token(await http.post(REGISTER, json={"mobile": mobile, "password": "the owner's", "code": code}))
    assert user_id(owner) == user_id(stranger)
    await is_shut_out(http, mobile, stranger)
    assert (await http.post(DETAIL, headers=owner)).status_code == 200
    assert sql.execute('select mobile_proven_by from "user" where mobile = %s', [mobile]).fetchone() == (proof,)


def roles_in(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return jwt.decode(answer.json()["data"]["accessToken"], options={"verify_signature": False})["roles"]


@pytest.mark.parametrize("vouched", [True, False], ids=["vouched", "granted by an earlier version"])
@pytest.mark.parametrize("with_password", [True, False])
async def test_the_roles_of_the_accounts_earlier_user_do_not_pass_to_the_owner(
    http, sql, mobile, wechat_user, vouched, with_password
):
    earlier = token(await register(http, mobile))
    change = """update "user" set roles = '{buyer,merchant,operator}', mobile_proven_at = %s, mobile_proven_by = %s
        where id = %s"""
    proof = (datetime.now(UTC), "operator") if vouched else (None, None)
    sql.execute(change, [*proof, user_id(earlier)])
    if not with_password:
        sql.execute('update "user" set password_hash = null where id = %s', [user_id(earlier)])

    owner = await http.post(WECHAT, json=wechat_user(mobile).sign_in())
    assert (user_id(token(owner)), roles_in(owner)) == (user_id(earlier), ["buyer"])
    assert (await http.post(DETAIL, headers=token(owner))).json()["data"]["userInfo"]["roles"] == ["buyer"]
    await is_shut_out(http, mobile, earlier)
    audit = "select operator_id, act, note from operator_act where subject = %s order by id"
    why = "set before the number was proven, by wechat"
    assert sql.execute(audit, [f"user:{user_id(earlier)}"]).fetchall() == [
        *([(0, "password-void", why)] if with_password else []),
        (0, "role-revoke", f"merchant; {why}"),
        (0, "role-revoke", f"operator; {why}"),
    ]


async def test_roles_end_too_where_the_number_is_proven_for_another_account(http, sql, mobile, wechat_user):
    owner = wechat_user(f"138{secrets.randbelow(10**8):08d}")
    first = token(await http.post(WECHAT, json=owner.sign_in()))
    earlier = token(await register(http, mobile))
    vouch = """update "user" set roles = '{buyer,merchant}', mobile_proven_at = now(), mobile_proven_by = 'operator'
        where id = %s"""
    sql.execute(vouch, [user_id(earlier)])

    owner.phone = mobile
    token(await http.post(WECHAT, json=owner.sign_in()))
    await is_shut_out(http, mobile, earlier)
    assert sql.execute('select roles from "user" where id = %s', [user_id(earlier)]).fetchone() == (["buyer"],)
    audit = "select act, note from operator_act where subject = %s order by id"
    why = f"the number is proven to be that of user:{user_id(first)}"
    expected = [("password-void", why), ("role-revoke", f"merchant; {why}")]
    assert sql.execute(audit, [f"user:{user_id(earlier)}"]).fetchall() == expected


async def test_an_account_that_its_owner_has_proven_keeps_its_roles(http, sql, mobile, wechat_user):
    owner = wechat_user(mobile)
    first = token(await http.post(WECHAT, json=owner.sign_in()))
    sql.execute("""update "user" set roles = '{buyer,merchant}' where id = %s""", [user_id(first)])
    assert roles_in(await http.post(WECHAT, json=owner.sign_in())) == ["buyer", "merchant"]
