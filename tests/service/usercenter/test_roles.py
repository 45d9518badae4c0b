import asyncio

import jwt
import pytest
from typer.testing import CliRunner

from usercenter.__main__ import cli

REGISTER, REFRESH = "/usercenter/v1/user/register", "/usercenter/v1/user/refreshToken"


@pytest.fixture
def person(sql, mobile):
    sql.execute('insert into "user" (mobile, nickname) values (%s, %s)', (mobile, "阿鹏"))
    return mobile


def roles(database_url, *arguments):
    return CliRunner(env={"USERCENTER_DATABASE_URL": database_url}).invoke(cli, ["roles", *arguments])


def kept(sql):
    return dict(sql.execute('select mobile, roles from "user"').fetchall())


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
def test_one_person_may_do_what_was_granted_and_nobody_else(database_url, sql, person, changes, expected):
    others = kept(sql)
    del others[person]
    for _ in range(2):
        done = roles(database_url, person, *changes)
        assert (done.exit_code, done.stdout) == (0, f"{person}: {', '.join(expected)}\n")
    assert kept(sql) == others | {person: expected}


def test_what_was_granted_can_be_taken_back(database_url, sql, person):
    roles(database_url, person, "--grant", "merchant", "--grant", "operator")
    assert roles(database_url, person, "--revoke", "operator").stdout == f"{person}: buyer, merchant\n"
    assert kept(sql)[person] == ["buyer", "merchant"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["13700000000", "--grant", "operator"], 1, "nobody has the mobile 13700000000"),
        (["PERSON", "--grant", "king"], 2, "'king' is not one of 'merchant', 'operator'"),
        (["PERSON", "--revoke", "buyer"], 2, "'buyer' is not one of 'merchant', 'operator'"),
        ([], 2, "Missing argument 'mobile'"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(database_url, sql, person, arguments, code, said):
    before = kept(sql)
    refused = roles(database_url, *(person if each == "PERSON" else each for each in arguments))
    assert refused.exit_code == code
    assert said in " ".join(refused.stderr.replace("│", " ").split())
    assert kept(sql) == before


async def test_the_next_token_has_the_new_role(database_url, http, mobile):
    first = (await http.post(REGISTER, json={"mobile": mobile, "password": "correct horse"})).json()["data"]
    await asyncio.to_thread(roles, database_url, mobile, "--grant", "operator")

    bearer = {"Authorization": "Bearer " + first["accessToken"]}
    second = (await http.post(REFRESH, json={}, headers=bearer)).json()["data"]

    said = [jwt.decode(token["accessToken"], options={"verify_signature": False})["roles"] for token in (first, second)]
    assert said == [["buyer"], ["buyer", "operator"]]
