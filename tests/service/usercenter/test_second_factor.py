"""Operators' second factor: without it a session has no operator role."""

import asyncio
from datetime import timedelta

import jwt
import pyotp
import pytest
from tests.service.usercenter.conftest import enrolled, held
from tests.support.metrics import Growth
from tests.support.operators import TOTP_KEY, Authenticator
from typer.testing import CliRunner

from servicekit.auth import Principal
from servicekit.errors import Unauthenticated
from servicekit.testing import client
from usercenter.__main__ import cli
from usercenter.main import create_app
from usercenter.parts import Parts
from usercenter.passwords import HASHER

USER = "/usercenter/v1/user"
PASSWORD = "an operator's own words"
PAST = timedelta(minutes=2)


@pytest.fixture
async def operator(http, sql, mobile):
    """An account with the role, not enrolled: (mobile, id)."""
    body = {"mobile": mobile, "password": PASSWORD}
    assert (await http.post(f"{USER}/register", json=body)).status_code == 200
    proven = """update "user" set roles = '{buyer,operator}', mobile_proven_at = now(), mobile_proven_by = 'code'
        where mobile = %s returning id"""
    return mobile, sql.execute(proven, [mobile]).fetchone()[0]


@pytest.fixture(autouse=True)
def _no_time_has_passed(clock):
    yield
    clock.ahead = timedelta()


async def login(http, mobile, code=None, password=PASSWORD):
    return await http.post(
        f"{USER}/login", json={"mobile": mobile, "password": password} | ({"totpCode": code} if code else {})
    )


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


async def post(http, name, body, token):
    return await http.post(f"{USER}/{name}", json=body, headers=bearer(token))


def code_of(phone, clock):
    """A new one; waits on the test's own clock where the real one would take half a minute."""
    now = clock().timestamp()
    code = phone.code(now=now)
    while phone.used > int(clock().timestamp()) // 30 + 1:
        clock.ahead += timedelta(seconds=30)
    return code


def wrong(phone, clock):
    step = int(clock().timestamp()) // 30
    right = {pyotp.TOTP(phone.secret).generate_otp(step + n) for n in range(-3, 4)}
    return next(f"{n:06d}" for n in range(1_000_000) if f"{n:06d}" not in right)


def factor(sql, user_id):
    return sql.execute(
        "select secret, pending, last_step, failures, blocked_until from second_factor where user_id = %s", [user_id]
    ).fetchone()


def audit(sql, user_id):
    query = "select operator_id, act, note from operator_act where act <> 'sign-in' and subject = %s order by id"
    return sql.execute(query, [f"user:{user_id}"]).fetchall()


async def test_before_the_enrolment_an_operator_is_a_buyer_who_is_told_what_to_do(http, operator):
    mobile, _ = operator
    data = (await login(http, mobile)).json()["data"]
    assert data["operatorNeeds"] == "enrolment"
    assert (claims(data["accessToken"])["roles"], claims(data["accessToken"])["amr"]) == (["buyer"], ["pwd"])


async def test_the_first_code_puts_the_secret_into_force_and_gives_the_role(http, sql, operator, clock):
    mobile, user_id = operator
    first = (await login(http, mobile)).json()["data"]["accessToken"]
    made = await post(http, "totpEnrol", {"password": PASSWORD}, first)
    data = made.json()["data"]
    assert data["otpauthUri"] == f"otpauth://totp/Minsu:{mobile}?secret={data['secret']}&issuer=Minsu"
    assert factor(sql, user_id)[0] is None

    phone = Authenticator(data["secret"])
    done = (await post(http, "totpConfirm", {"totpCode": code_of(phone, clock)}, first)).json()["data"]

    told = claims(done["token"]["accessToken"])
    assert (told["roles"], sorted(told["amr"])) == (["buyer", "operator"], ["otp", "pwd"])
    assert told["sid"] == claims(first)["sid"]
    secret, pending, last_step, failures, blocked = factor(sql, user_id)
    assert (pending, last_step, failures, blocked) == (None, phone.used, 0, None)
    assert phone.secret.encode() not in secret
    kept = sql.execute("select digest from recovery_code where user_id = %s", [user_id]).fetchall()
    assert (len(kept), len(done["recoveryCodes"])) == (10, 10)
    assert not {digest for (digest,) in kept} & {each.replace("-", "") for each in done["recoveryCodes"]}
    assert audit(sql, user_id) == [(user_id, "second-factor-enrol", None)]


async def test_password_and_code_give_the_role_and_a_refresh_keeps_it(http, operator, clock):
    mobile, _ = operator
    phone, _, _ = await enrolled(http, mobile, PASSWORD)
    without = (await login(http, mobile)).json()["data"]
    assert (without["operatorNeeds"], claims(without["accessToken"])["roles"]) == ("code", ["buyer"])

    data = (await login(http, mobile, code_of(phone, clock))).json()["data"]

    assert (data["operatorNeeds"], claims(data["accessToken"])["roles"]) == (None, ["buyer", "operator"])


async def test_a_code_counts_once_however_many_send_it_at_once(http, sql, operator, clock):
    mobile, user_id = operator
    phone, _, _ = await enrolled(http, mobile, PASSWORD)
    sessions = "select count(*) from user_session where user_id = %s"
    [before] = sql.execute(sessions, [user_id]).fetchone()
    code = code_of(phone, clock)
    answers = await asyncio.gather(*(login(http, mobile, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    refused = next(answer for answer in answers if answer.status_code == 401).json()
    assert (refused["code"], refused["type"], refused["field"]) == (
        100222,
        "/problems/second-factor-wrong",
        "totpCode",
    )
    assert sql.execute(sessions, [user_id]).fetchone() == (before + 1,)


async def test_after_five_wrong_codes_none_is_looked_at_for_a_while(http, sql, operator, clock):
    mobile, user_id = operator
    phone, _, _ = await enrolled(http, mobile, PASSWORD)
    for _ in range(5):
        assert (await login(http, mobile, wrong(phone, clock))).status_code == 401
    slowed = await login(http, mobile, code_of(phone, clock))
    assert (slowed.status_code, slowed.json()["code"]) == (429, 100223)
    assert 1 <= int(slowed.headers["Retry-After"]) <= 30
    assert factor(sql, user_id)[3] == 5

    clock.ahead += PAST
    assert (await login(http, mobile, code_of(phone, clock))).status_code == 200
    assert factor(sql, user_id)[3:] == (0, None)


async def test_a_wrong_password_uses_no_code_and_a_wrong_code_no_password(http, sql, operator, clock):
    mobile, user_id = operator
    phone, _, _ = await enrolled(http, mobile, PASSWORD)
    before = factor(sql, user_id)
    refused = await login(http, mobile, code_of(phone, clock), password="not the password")
    assert refused.json()["code"] == 100201
    assert factor(sql, user_id) == before
    assert (await login(http, mobile, wrong(phone, clock))).json()["code"] == 100222
    assert sql.execute("select count(*) from login_failure where mobile = %s", [mobile]).fetchone() == (0,)


async def test_a_recovery_code_stands_in_once_and_is_written_down(http, sql, operator, clock):
    mobile, user_id = operator
    _, codes, _ = await enrolled(http, mobile, PASSWORD)
    data = (await login(http, mobile, codes[3].lower())).json()["data"]
    assert claims(data["accessToken"])["roles"] == ["buyer", "operator"]
    assert (await login(http, mobile, codes[3])).json()["code"] == 100222
    assert audit(sql, user_id)[1:] == [(user_id, "recovery-code-use", "9 are left")]


async def test_replacing_takes_a_code_of_the_present_one_and_ends_it(http, sql, operator, clock):
    mobile, user_id = operator
    phone, codes, token = await enrolled(http, mobile, PASSWORD)
    before = factor(sql, user_id)
    refused = await post(http, "totpEnrol", {"password": PASSWORD}, token)
    assert (refused.status_code, refused.json()["code"], factor(sql, user_id)) == (409, 100224, before)

    asked = {"password": PASSWORD, "totpCode": code_of(phone, clock)}
    second = Authenticator((await post(http, "totpEnrol", asked, token)).json()["data"]["secret"])
    clock.ahead += timedelta(seconds=60)
    stolen = (await login(http, mobile, code_of(phone, clock))).json()["data"]  # the first is in force until then
    done = await post(http, "totpConfirm", {"totpCode": code_of(second, clock)}, token)
    assert done.status_code == 200
    kept = done.json()["data"]["token"]

    refused = await http.post(f"{USER}/refreshToken", json={"refreshToken": stolen["refreshToken"]})
    assert (refused.status_code, refused.json()["code"]) == (401, 100212)
    goes_on = await http.post(f"{USER}/refreshToken", json={"refreshToken": kept["refreshToken"]})
    assert claims(goes_on.json()["data"]["accessToken"])["sid"] == claims(token)["sid"]
    assert claims(goes_on.json()["data"]["accessToken"])["roles"] == ["buyer", "operator"]

    clock.ahead += timedelta(seconds=60)
    assert (await login(http, mobile, code_of(phone, clock))).status_code == 401
    assert (await login(http, mobile, codes[0])).status_code == 401
    assert (await login(http, mobile, code_of(second, clock))).status_code == 200


async def test_an_enrolment_waits_ten_minutes_and_needs_the_right_code(http, sql, operator, clock):
    mobile, user_id = operator
    token = (await login(http, mobile)).json()["data"]["accessToken"]
    nothing = await post(http, "totpConfirm", {"totpCode": "123456"}, token)
    assert (nothing.status_code, nothing.json()["code"]) == (409, 100225)
    secret = (await post(http, "totpEnrol", {"password": PASSWORD}, token)).json()["data"]["secret"]
    phone = Authenticator(secret)
    refused = await post(http, "totpConfirm", {"totpCode": wrong(phone, clock)}, token)
    assert (refused.status_code, refused.json()["code"]) == (401, 100222)
    assert factor(sql, user_id)[0] is None
    clock.ahead += timedelta(minutes=10)
    late = await post(http, "totpConfirm", {"totpCode": code_of(phone, clock)}, token)
    assert (late.status_code, late.json()["code"]) == (409, 100225)
    assert factor(sql, user_id)[0] is None


async def test_a_first_factor_ends_no_session(http, operator):
    mobile, _ = operator
    other = (await login(http, mobile)).json()["data"]
    await enrolled(http, mobile, PASSWORD)
    again = await http.post(f"{USER}/refreshToken", json={"refreshToken": other["refreshToken"]})
    assert again.status_code == 200


async def test_a_session_that_is_over_confirms_nothing(http, sql, settings, sidecar, operator, clock):
    mobile, user_id = operator
    token = (await login(http, mobile)).json()["data"]["accessToken"]
    phone = Authenticator((await post(http, "totpEnrol", {"password": PASSWORD}, token)).json()["data"]["secret"])
    told = claims(token)
    mine = Principal(user_id, frozenset(told["roles"]), told["gen"], int(told["sid"]))
    before = factor(sql, user_id)
    parts = Parts.of(settings, clock=clock, sidecar=sidecar)
    parts.use_secrets(held())
    await parts.sessions.sign_out(mine)
    with pytest.raises(Unauthenticated, match="the session is over"):  # a service would know it by its list
        await parts.reauthentication.confirm(mine, code_of(phone, clock))
    await parts.db.close()
    assert factor(sql, user_id) == before
    assert sql.execute("select count(*) from recovery_code where user_id = %s", [user_id]).fetchone() == (0,)


async def test_a_new_password_forgets_an_enrolment_that_was_begun_with_the_old_one(http, sql, operator, clock):
    mobile, user_id = operator
    thief, owner = [(await login(http, mobile)).json()["data"]["accessToken"] for _ in range(2)]
    phone = Authenticator((await post(http, "totpEnrol", {"password": PASSWORD}, thief)).json()["data"]["secret"])
    body = {"oldPassword": PASSWORD, "newPassword": f"{PASSWORD}, new ones"}
    renewed = (await post(http, "changePassword", body, owner)).json()["data"]["accessToken"]
    refused = await post(http, "totpConfirm", {"totpCode": code_of(phone, clock)}, renewed)
    assert (refused.status_code, refused.json()["code"]) == (409, 100225)
    assert factor(sql, user_id)[:2] == (None, None)


async def test_a_user_who_is_no_operator_and_a_wrong_password_cannot_enrol(http, sql, mobile, operator):
    body = {"mobile": f"150{mobile[3:]}", "password": PASSWORD}
    buyer = (await http.post(f"{USER}/register", json=body)).json()["data"]["accessToken"]
    assert (await post(http, "totpEnrol", {"password": PASSWORD}, buyer)).status_code == 403
    mine = (await login(http, operator[0])).json()["data"]["accessToken"]
    refused = await post(http, "totpEnrol", {"password": "not the password"}, mine)
    assert (refused.status_code, refused.json()["code"]) == (401, 100201)
    assert factor(sql, operator[1]) is None


async def test_an_operators_password_from_before_the_policy_has_to_be_changed_first(http, sql, operator, clock):
    mobile, user_id = operator
    phone, _, _ = await enrolled(http, mobile, PASSWORD)
    sql.execute('update "user" set password_hash = %s where id = %s', [HASHER.hash("abc123"), user_id])
    before = factor(sql, user_id)
    data = (await login(http, mobile, code_of(phone, clock), password="abc123")).json()["data"]
    assert (data["operatorNeeds"], claims(data["accessToken"])["roles"]) == ("password", ["buyer"])
    assert factor(sql, user_id) == before
    body = {"password": "abc123", "totpCode": code_of(phone, clock)}
    refused = await post(http, "totpEnrol", body, data["accessToken"])
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, 100220, "password")
    assert factor(sql, user_id)[1] is None


async def test_a_buyers_password_from_before_the_policy_still_signs_in(http, sql, mobile):
    await http.post(f"{USER}/register", json={"mobile": mobile, "password": PASSWORD})
    sql.execute('update "user" set password_hash = %s where mobile = %s', [HASHER.hash("abc123"), mobile])
    data = (await login(http, mobile, password="abc123")).json()["data"]
    assert (data["operatorNeeds"], claims(data["accessToken"])["roles"]) == (None, ["buyer"])


async def test_proving_again_makes_the_same_session_fresh(http, operator, clock):
    mobile, _ = operator
    phone, _, token = await enrolled(http, mobile, PASSWORD)
    clock.ahead += timedelta(minutes=20)
    body = {"password": PASSWORD, "totpCode": code_of(phone, clock)}
    data = (await post(http, "reauthenticate", body, token)).json()["data"]
    old, new = claims(token), claims(data["accessToken"])
    assert (new["sid"], new["roles"], data["operatorNeeds"]) == (old["sid"], ["buyer", "operator"], None)
    assert 1200 <= new["auth_time"] - old["auth_time"] <= 1270


async def test_a_failed_proof_leaves_the_session_as_it_was(http, sql, operator, clock):
    mobile, user_id = operator
    phone, _, token = await enrolled(http, mobile, PASSWORD)
    query = "select authenticated_at, amr from user_session where user_id = %s order by id"
    before = sql.execute(query, [user_id]).fetchall()
    for password, code, number in (
        ("not the password", code_of(phone, clock), 100201),
        (PASSWORD, wrong(phone, clock), 100222),
        (PASSWORD, None, 100222),
    ):
        answer = await post(http, "reauthenticate", {"password": password, "totpCode": code}, token)
        assert (answer.status_code, answer.json()["code"]) == (401, number)
    assert sql.execute(query, [user_id]).fetchall() == before


async def test_wechat_alone_never_gives_the_operator_role(http, operator, clock, wechat_user):
    mobile, _ = operator
    await enrolled(http, mobile, PASSWORD)
    answer = await http.post(f"{USER}/wxMiniAuth", json=wechat_user(mobile).sign_in())
    assert claims(answer.json()["data"]["accessToken"])["roles"] == ["buyer"]


async def test_a_secret_that_another_key_sealed_signs_no_user_in(http, sql, settings, sidecar, operator, clock):
    mobile, user_id = operator
    phone, _, _ = await enrolled(http, mobile, PASSWORD)
    other = "YW5vdGhlciBrZXkgb2YgdGhpcnR5LXR3byBieXRlcyE="
    keys = held() | {"totp-key": other}
    async with client(create_app(settings, clock=clock, sidecar=sidecar, held_secrets=keys)) as elsewhere:
        answer = await login(elsewhere, mobile, code_of(phone, clock))
    assert answer.status_code == 500
    rotated = keys | {"totp-previous-key": TOTP_KEY}
    for given in (rotated, keys):  # sealed anew at the first sign-in: the earlier key may go
        async with client(create_app(settings, clock=clock, sidecar=sidecar, held_secrets=given)) as elsewhere:
            assert (await login(elsewhere, mobile, code_of(phone, clock))).status_code == 200
    assert factor(sql, user_id)[2] == phone.used


async def test_a_lost_phone_is_reset_by_the_command_line_which_voids_the_sessions(
    http, sql, database_url, operator, clock
):
    mobile, user_id = operator
    _, codes, token = await enrolled(http, mobile, PASSWORD)
    environment = {"USERCENTER_DATABASE_URL": database_url}
    command = ["second-factor", mobile, "--reset", "phone lost, met in person", "--actor", "mei"]
    done = await asyncio.to_thread(CliRunner(env=environment).invoke, cli, command)
    assert (done.exit_code, done.output) == (0, f"{mobile}: second factor and password are forgotten\n")
    assert factor(sql, user_id) is None
    assert sql.execute("select count(*) from recovery_code where user_id = %s", [user_id]).fetchone() == (0,)
    assert audit(sql, user_id)[1:] == [(0, "second-factor-reset", "phone lost, met in person; by mei")]
    assert (await post(http, "detail", {}, token)).status_code == 401
    assert (await login(http, mobile, codes[0])).json()["code"] == 100201  # who took the phone may know the password
    again = await asyncio.to_thread(CliRunner(env=environment).invoke, cli, command)
    assert (again.exit_code, again.output) == (0, f"{mobile}: there was none\n")
    assert len(audit(sql, user_id)) == 2


def set_password(database_url, mobile, typed):
    command = ["password", mobile, "--reason", "met in person", "--actor", "mei"]
    return CliRunner(env={"USERCENTER_DATABASE_URL": database_url}).invoke(cli, command, input=typed)


async def test_who_has_the_server_sets_a_password_which_is_written_down(http, sql, database_url, operator):
    mobile, user_id = operator
    token = (await login(http, mobile)).json()["data"]
    new = "what mei typed in the office"
    done = await asyncio.to_thread(set_password, database_url, mobile, f"{new}\n")
    assert (done.exit_code, done.output) == (0, f"{mobile}: the password is set\n")
    assert audit(sql, user_id) == [(0, "password-reset", "met in person; by mei")]
    refused = await http.post(f"{USER}/refreshToken", json={"refreshToken": token["refreshToken"]})
    assert refused.json()["code"] == 100212
    assert (await login(http, mobile)).json()["code"] == 100201
    data = (await login(http, mobile, password=new)).json()["data"]
    assert data["operatorNeeds"] == "enrolment"


@pytest.mark.parametrize(
    ("typed", "said"),
    [("short\n", "refused: password-too-short\n"), ("", "refused: password-too-short\n")],
)
async def test_a_weak_one_is_refused_and_nothing_is_changed(sql, database_url, operator, typed, said):
    mobile, user_id = operator
    row = 'select * from "user" where id = %s'
    before = sql.execute(row, [user_id]).fetchone()
    done = await asyncio.to_thread(set_password, database_url, mobile, typed)
    assert (done.exit_code, done.output) == (1, said)
    stranger = await asyncio.to_thread(set_password, database_url, "13012345678", "what mei typed in the office\n")
    assert (stranger.exit_code, stranger.output) == (1, "no account has the mobile 13012345678\n")
    assert sql.execute(row, [user_id]).fetchone() == before
    assert audit(sql, user_id) == []


async def test_a_new_password_takes_a_code_where_there_is_a_second_factor(http, sql, operator, clock):
    mobile, user_id = operator
    phone, codes, token = await enrolled(http, mobile, PASSWORD)
    new = f"{PASSWORD}, new ones"
    body = {"oldPassword": PASSWORD, "newPassword": new}
    row = 'select password_hash, token_generation from "user" where id = %s'
    before = sql.execute(row, [user_id]).fetchone()
    grown = Growth("security_events_total", kind="second_factor_failed")
    for code, failures, events in ((None, 0, 0), (wrong(phone, clock), 1, 1)):
        refused = await post(http, "changePassword", body | {"totpCode": code}, token)
        assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, 100226, "totpCode")
        assert (factor(sql, user_id)[3], grown()) == (failures, events)
    guess = await post(http, "changePassword", body | {"oldPassword": "a guess", "totpCode": codes[0]}, token)
    assert guess.json()["code"] == 100213
    assert sql.execute(row, [user_id]).fetchone() == before

    done = await post(http, "changePassword", body | {"totpCode": codes[0]}, token)  # no guess has used it
    assert done.status_code == 200
    assert claims(done.json()["data"]["accessToken"])["roles"] == ["buyer", "operator"]
    assert (await login(http, mobile, codes[0], new)).json()["code"] == 100222
    assert (await login(http, mobile, code_of(phone, clock), new)).status_code == 200
