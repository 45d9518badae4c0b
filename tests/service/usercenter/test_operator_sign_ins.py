"""Sign-ins of operators are in the audit, those of all others are not."""

import pytest

PASSWORD = "correct horse battery"
REGISTER, LOGIN = "/usercenter/v1/user/register", "/usercenter/v1/user/login"


def acts(sql, user):
    return sql.execute(
        "select operator_id, act, note from operator_act where subject = %s order by seq", [f"user:{user}"]
    ).fetchall()


@pytest.fixture
async def user(http, sql, mobile):
    assert (await http.post(REGISTER, json={"mobile": mobile, "password": PASSWORD})).status_code == 200
    [number] = sql.execute('select id from "user" where mobile = %s', [mobile]).fetchone()
    return number


async def sign_in(http, mobile, password=PASSWORD):
    answer = await http.post(
        LOGIN, json={"mobile": mobile, "password": password}, headers={"user-agent": "Firefox/140"}
    )
    return answer.status_code


async def test_an_operators_sign_in_is_in_the_audit_and_a_buyers_is_not(http, sql, mobile, user):
    assert await sign_in(http, mobile) == 200
    assert acts(sql, user) == []
    proven = "roles = '{buyer,operator}', mobile_proven_at = now(), mobile_proven_by = 'code'"
    sql.execute(f'update "user" set {proven} where id = %s'.encode(), [user])  # noqa: S608 - ours
    assert await sign_in(http, mobile) == 200
    [(operator, act, note)] = acts(sql, user)
    assert (operator, act) == (user, "sign-in")
    assert note.startswith("pwd on ")
    assert await sign_in(http, mobile, "wrong password") == 401
    assert len(acts(sql, user)) == 1


async def test_a_role_that_is_not_in_force_is_no_operators_sign_in(http, sql, mobile, user):
    sql.execute("""update "user" set roles = '{buyer,operator}' where id = %s""", [user])
    assert await sign_in(http, mobile) == 200
    assert acts(sql, user) == []
