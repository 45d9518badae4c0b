"""What usercenter writes into the security log: no mobile and no password."""

import pytest
from structlog.testing import capture_logs
from tests.support.metrics import Growth

from servicekit.testing import SIDECAR_HEADERS, called_by

LOGIN, REGISTER = "/usercenter/v1/user/login", "/usercenter/v1/user/register"
PASSWORD = "correct horse"
FROM_THE_GATEWAY = {**SIDECAR_HEADERS, "client-address": "203.0.114.7"}


async def login(http, mobile, password):
    return await http.post(LOGIN, json={"mobile": mobile, "password": password}, headers=FROM_THE_GATEWAY)


@pytest.fixture
def security():
    """`security(said)`: the lines of the security log among those that were captured."""
    return lambda said: [line for line in said if line["event"] == "security"]


async def test_a_wrong_password_is_written_down_under_a_hash_of_the_mobile(http, mobile, security):
    await http.post(REGISTER, json={"mobile": mobile, "password": PASSWORD})
    grown = Growth("security_events_total", kind="sign_in_failed")
    with capture_logs() as said:
        assert (await login(http, mobile, "wrong password")).status_code == 401
        assert (await login(http, "13000000007", "wrong password")).status_code == 401
        assert (await login(http, mobile, "wrong again")).status_code == 401
        assert (await login(http, mobile, PASSWORD)).status_code == 200
    *lines, signed_in = security(said)
    assert grown() == 3
    assert signed_in["security_event"] == "signed_in"
    assert [(line["security_event"], line["address"]) for line in lines] == [("sign_in_failed", "203.0.114.7")] * 3
    hashes = [line["mobile_hash"] for line in lines]
    assert hashes[0] == hashes[2] != hashes[1]
    assert {len(each) for each in hashes} == {16}
    assert mobile not in str(said)
    assert "password" not in str(lines)


async def test_a_granted_and_a_voided_role_are_written_down(http, sql, mobile, security):
    await http.post(REGISTER, json={"mobile": mobile, "password": PASSWORD})
    user_id = sql.execute('select id from "user" where mobile = %s', [mobile]).fetchone()[0]
    ask = {"json": {"userId": user_id, "role": "merchant"}, "headers": called_by("travel")}
    with capture_logs() as said:
        assert (await http.post("/internal/grantRole", **ask)).json() == {"granted": False}
    assert security(said) == []

    sql.execute("""update "user" set mobile_proven_at = now(), mobile_proven_by = 'code' where id = %s""", [user_id])
    with capture_logs() as said:
        assert (await http.post("/internal/grantRole", **ask)).json() == {"granted": True}
        assert (await http.post("/internal/grantRole", **ask)).json() == {"granted": True}
    assert security(said) == [
        {
            "event": "security",
            "log_level": "info",
            "security_event": "role_changed",
            "user_id": user_id,
            "act": "role-grant",
            "role": "merchant",
            "by": "travel",
        }
    ]


async def test_a_sign_in_is_written_down_with_its_session_and_what_it_was_proven_by(http, sql, mobile, security):
    await http.post(REGISTER, json={"mobile": mobile, "password": PASSWORD})
    with capture_logs() as said:
        assert (await login(http, mobile, PASSWORD)).status_code == 200
    session_id, user_id = sql.execute(
        'select s.id, u.id from user_session s join "user" u on u.id = s.user_id where u.mobile = %s order by s.id desc',
        [mobile],
    ).fetchone()
    assert security(said) == [
        {
            "event": "security",
            "log_level": "info",
            "security_event": "signed_in",
            "user_id": user_id,
            "session_id": session_id,
            "amr": "pwd",
        }
    ]
    assert mobile not in str(said)
