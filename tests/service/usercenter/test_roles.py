import asyncio
import time

import jwt
import pytest
from tests.service.usercenter.conftest import enrolled
from typer.testing import CliRunner

from servicekit.testing import called_by
from usercenter.__main__ import cli

REGISTER, REFRESH = "/usercenter/v1/user/register", "/usercenter/v1/user/refreshToken"
LOGIN = "/usercenter/v1/user/login"


@pytest.fixture
def person(sql, mobile):
    """Whose number is proven."""
    insert = """insert into "user" (mobile, nickname, mobile_proven_at, mobile_proven_by)
        values (%s, '阿鹏', now(), 'code')"""
    sql.execute(insert, [mobile])
    return mobile


@pytest.fixture
def squatter(sql, mobile):
    """Who has registered an unproven number."""
    sql.execute('insert into "user" (mobile, nickname) values (%s, %s)', (mobile, "阿鹏"))
    return mobile


def roles(database_url, *arguments, typed=None):
    return CliRunner(env={"USERCENTER_DATABASE_URL": database_url}).invoke(cli, ["roles", *arguments], input=typed)


def change(database_url, *arguments):
    return roles(database_url, *arguments, "--yes", "--actor", "mei")


def kept(sql):
    return dict(sql.execute('select mobile, roles from "user"').fetchall())


def user_id(sql, mobile):
    return sql.execute('select id from "user" where mobile = %s', [mobile]).fetchone()[0]


def audit(sql, mobile):
    query = "select operator_id, act, note from operator_act where subject = %s order by id"
    return sql.execute(query, [f"user:{user_id(sql, mobile)}"]).fetchall()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], ["buyer"]),
        (["--grant", "operator"], ["buyer", "operator"]),
        (["--grant", "merchant", "--grant", "operator"], ["buyer", "merchant", "operator"]),
        (["--grant", "merchant", "--revoke", "merchant"], ["buyer"]),
        (["--revoke", "operator"], ["buyer"]),
    ],
)
def test_the_user_who_was_granted_a_role_has_it_and_no_other_user(database_url, sql, person, changes, expected):
    others = kept(sql)
    del others[person]
    for _ in range(2):
        done = change(database_url, person, *changes)
        assert done.exit_code == 0, done.output
        if changes:
            assert done.stdout.splitlines()[-1] == f"{person}: {', '.join(expected)}"
    assert kept(sql) == others | {person: expected}
    assert audit(sql, person) == [(0, "role-grant", f"{role}; by mei") for role in expected if role != "buyer"]


def test_what_was_granted_can_be_taken_back_and_both_are_in_the_audit(database_url, sql, person):
    change(database_url, person, "--grant", "merchant", "--grant", "operator")
    assert change(database_url, person, "--revoke", "operator").stdout.endswith(f"{person}: buyer, merchant\n")
    assert kept(sql)[person] == ["buyer", "merchant"]
    assert audit(sql, person) == [
        (0, "role-grant", "merchant; by mei"),
        (0, "role-grant", "operator; by mei"),
        (0, "role-revoke", "operator; by mei"),
    ]


def test_who_revokes_an_operator_is_told_to_decline_what_they_asked_for(database_url, sql, person):
    granted = change(database_url, person, "--grant", "operator", "--grant", "merchant")
    assert granted.stderr == ""
    revoked = change(database_url, person, "--revoke", "operator")
    assert f"operator {user_id(sql, person)} has asked for outlives the role: decline it" in revoked.stderr
    assert change(database_url, person, "--revoke", "merchant").stderr == ""


def test_who_it_is_is_shown_before_anything_is_changed(database_url, sql, person):
    number = user_id(sql, person)
    shown = roles(database_url, person, "--grant", "operator", typed=f"{number}\n")
    assert shown.exit_code == 0, shown.output
    facts = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines()[:6])
    assert facts.keys() == {"id", "nickname", "mobile", "registered", "proven", "roles"}
    assert (facts["id"], facts["nickname"], facts["mobile"], facts["roles"]) == (str(number), "阿鹏", person, "buyer")
    assert facts["proven"].endswith(" by code")
    assert facts["registered"].endswith(" UTC")
    assert kept(sql)[person] == ["buyer", "operator"]


@pytest.mark.parametrize("typed", ["no\n", "1\n", "\n", None])
def test_without_the_right_id_typed_nothing_is_changed(database_url, sql, person, typed):
    before = kept(sql)
    assert roles(database_url, person, "--grant", "operator", typed=typed).exit_code == 1
    assert (kept(sql), audit(sql, person)) == (before, [])


def test_an_account_with_an_unproven_number_gets_no_role(database_url, sql, squatter):
    before = kept(sql)
    refused = change(database_url, squatter, "--grant", "operator")
    assert refused.exit_code == 1
    assert f"the mobile {squatter} is not proven" in refused.stderr
    assert "--vouch" in refused.stderr
    assert (kept(sql), audit(sql, squatter)) == (before, [])


def test_an_administrator_can_vouch_for_a_number_and_the_reason_is_kept(database_url, sql, squatter):
    done = change(database_url, squatter, "--grant", "operator", "--vouch", "first operator, sat beside me")
    assert done.exit_code == 0, done.output
    assert kept(sql)[squatter] == ["buyer", "operator"]
    assert audit(sql, squatter) == [
        (0, "mobile-vouch", "first operator, sat beside me; by mei"),
        (0, "role-grant", "operator; by mei"),
    ]
    assert "by operator" in roles(database_url, squatter).stdout


def test_all_who_have_a_role_are_listed(database_url, sql, person):
    change(database_url, person, "--grant", "merchant")
    rows = [line.split("\t") for line in roles(database_url).stdout.splitlines()]
    [row] = [row for row in rows if row[1] == person]
    assert (row[0], row[2], row[4]) == (str(user_id(sql, person)), "buyer, merchant", "阿鹏")
    with_roles = {mobile for mobile, held in kept(sql).items() if held != ["buyer"]}
    assert {row[1] for row in rows} == with_roles


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["13700000000", "--grant", "operator"], 1, "no account has the mobile 13700000000"),
        (["PERSON", "--grant", "king"], 2, "'king' is not one of 'merchant', 'operator'"),
        (["PERSON", "--revoke", "buyer"], 2, "'buyer' is not one of 'merchant', 'operator'"),
        (["--grant", "operator"], 2, "give MOBILE"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(database_url, sql, person, arguments, code, said):
    before = kept(sql)
    refused = change(database_url, *(person if each == "PERSON" else each for each in arguments))
    assert refused.exit_code == code
    assert said in " ".join(refused.stderr.replace("│", " ").split())
    assert kept(sql) == before


def bearer(token):
    return {"Authorization": "Bearer " + token["accessToken"]}


def refresh_of(token):
    return {"refreshToken": token["refreshToken"]}


def said_roles(token):
    return jwt.decode(token["accessToken"], options={"verify_signature": False})["roles"]


async def signed_up(http, mobile):
    return (await http.post(REGISTER, json={"mobile": mobile, "password": "correct horse"})).json()["data"]


async def test_the_next_token_has_the_new_role(database_url, http, mobile):
    first = await signed_up(http, mobile)
    await asyncio.to_thread(change, database_url, mobile, "--grant", "merchant", "--vouch", "a test")
    second = (await http.post(REFRESH, json=refresh_of(first))).json()["data"]
    assert [said_roles(token) for token in (first, second)] == [["buyer"], ["buyer", "merchant"]]


async def test_a_revoked_role_ends_every_token_that_has_it(database_url, http, sql, mobile):
    await signed_up(http, mobile)
    await asyncio.to_thread(change, database_url, mobile, "--grant", "merchant", "--vouch", "a test")
    credentials = {"mobile": mobile, "password": "correct horse"}
    token = (await http.post(LOGIN, json=credentials)).json()["data"]
    await asyncio.to_thread(change, database_url, mobile, "--revoke", "merchant")

    listed = (await http.get("/internal/revocations", headers=called_by("order"))).json()["users"]
    assert {"userId": user_id(sql, mobile), "generation": 1} in listed
    assert (await http.post(REFRESH, json=refresh_of(token))).status_code == 401
    assert said_roles((await http.post(LOGIN, json=credentials)).json()["data"]) == ["buyer"]


async def test_a_closed_account_is_in_the_list_and_an_old_change_is_not(http, sql, mobile):
    await signed_up(http, mobile)
    number = user_id(sql, mobile)

    async def listed():
        users = (await http.get("/internal/revocations", headers=called_by("order"))).json()["users"]
        return [each["generation"] for each in users if each["userId"] == number]

    assert await listed() == []
    sql.execute('update "user" set deleted_at = now() where id = %s', [number])
    assert await listed() == [1]
    sql.execute("""update "user" set deleted_at = now() - interval '3 hours' where id = %s""", [number])
    assert await listed() == []


async def test_a_role_of_an_account_with_an_unproven_number_is_not_in_force(http, sql, mobile):
    """Granted by an earlier version."""
    await signed_up(http, mobile)
    sql.execute("""update "user" set roles = '{buyer,operator}' where mobile = %s""", [mobile])
    token = (await http.post(LOGIN, json={"mobile": mobile, "password": "correct horse"})).json()["data"]
    assert said_roles(token) == ["buyer"]
    detail = await http.post("/usercenter/v1/user/detail", headers=bearer(token))
    assert detail.json()["data"]["userInfo"]["roles"] == ["buyer"]


async def test_a_revoked_operator_is_refused_here_within_a_minute(database_url, http, mobile, monkeypatch):
    await signed_up(http, mobile)
    await asyncio.to_thread(change, database_url, mobile, "--grant", "operator", "--vouch", "a test")
    _, _, token = await enrolled(http, mobile, "correct horse")
    acts = "/usercenter/v1/ops/actList"
    assert (await http.post(acts, json={}, headers={"Authorization": f"Bearer {token}"})).status_code == 200
    await asyncio.to_thread(change, database_url, mobile, "--revoke", "operator")
    later = time.monotonic() + 20
    monkeypatch.setattr(http._transport.app.state.token_verifier._revocations, "_monotonic", lambda: later)
    assert (await http.post(acts, json={}, headers={"Authorization": f"Bearer {token}"})).status_code == 401


def grant(http, number, role="merchant"):
    return http.post("/internal/grantRole", json={"userId": number, "role": role}, headers=called_by("travel"))


async def test_travel_grants_the_merchant_role_once_and_it_is_in_the_next_token(http, sql, mobile):
    signed = await http.post(REGISTER, json={"mobile": mobile, "password": "correct horse"})
    sql.execute("""update "user" set mobile_proven_at = now(), mobile_proven_by = 'code' where mobile = %s""", [mobile])
    others = kept(sql)
    for _ in range(2):
        answer = await grant(http, user_id(sql, mobile))
        assert (answer.status_code, answer.json()) == (200, {"granted": True})
    assert kept(sql) == others | {mobile: ["buyer", "merchant"]}
    assert audit(sql, mobile) == [(0, "role-grant", "merchant; by travel")]
    renewed = await http.post(REFRESH, json=refresh_of(signed.json()["data"]))
    claims = jwt.decode(renewed.json()["data"]["accessToken"], options={"verify_signature": False})
    assert claims["roles"] == ["buyer", "merchant"]


async def test_an_unproven_number_is_granted_nothing(http, sql, squatter):
    before = kept(sql)
    answer = await grant(http, user_id(sql, squatter))
    assert (answer.status_code, answer.json()) == (200, {"granted": False})
    assert (kept(sql), audit(sql, squatter)) == (before, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"userId": 2**62, "role": "merchant"}, 404),
        ({"userId": 1, "role": "operator"}, 422),
        ({"userId": 1, "role": "buyer"}, 422),
        ({"userId": 1}, 422),
        ({"role": "merchant"}, 422),
    ],
)
async def test_no_other_role_and_no_unknown_user(http, sql, body, status):
    before = kept(sql)
    answer = await http.post("/internal/grantRole", json=body, headers=called_by("travel"))
    assert answer.status_code == status
    assert kept(sql) == before


@pytest.mark.parametrize("caller", ["gateway", "order", "payment", "notification"])
async def test_travel_alone_grants_roles(http, sql, person, caller):
    before = kept(sql)
    body = {"userId": user_id(sql, person), "role": "merchant"}
    assert (await http.post("/internal/grantRole", json=body, headers=called_by(caller))).status_code == 403
    assert kept(sql) == before
