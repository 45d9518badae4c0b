"""Codes by text message: what they prove, how long, how often."""

import asyncio
import re
import secrets
from datetime import timedelta

import jwt
import pytest
from structlog.testing import capture_logs
from tests.service.usercenter.conftest import APPID, WECHAT, held
from tests.support.metrics import Growth

from servicekit.clock import utc_now
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, client
from usercenter.main import create_app
from usercenter.parts import Parts
from usercenter.settings import Settings

SEND, REGISTER, LOGIN = (f"/usercenter/v1/user/{name}" for name in ("sendMobileCode", "register", "login"))
WX, DETAIL = "/usercenter/v1/user/wxMiniAuth", "/usercenter/v1/user/detail"
PASSWORD = "correct horse"


@pytest.fixture
def after(clock):
    """Moves the clock on; back to the present at the end."""

    def move(**by):
        clock.ahead += timedelta(**by)

    yield move
    clock.ahead = timedelta()


@pytest.fixture(autouse=True)
def _nothing_sent_before(sql, sidecar):
    sql.execute("delete from mobile_code_sending")
    sql.execute("delete from sign_in_failures")
    sidecar.handed_over.clear()
    sidecar.bindings_are_away = False


async def send(http, mobile, **headers):
    return await http.post(SEND, json={"mobile": mobile}, headers=headers)


async def code_for(http, sidecar, mobile):
    answer = await send(http, mobile)
    assert answer.status_code == 200, answer.text
    return next(data["code"] for _, _, data in reversed(sidecar.handed_over) if data["mobile"] == mobile)


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06d}"


async def register(http, mobile, code=None, password=PASSWORD):
    body = {"mobile": mobile, "password": password} | ({"code": code} if code else {})
    return await http.post(REGISTER, json=body)


def user(sql, mobile):
    query = 'select mobile_proven_by, password_hash, token_generation from "user" where mobile = %s'
    return sql.execute(query, [mobile]).fetchone()


def bearer(answer):
    assert answer.status_code == 200, answer.text
    return {"Authorization": "Bearer " + answer.json()["data"]["accessToken"]}


def user_id(answer):
    return jwt.decode(bearer(answer)["Authorization"][7:], options={"verify_signature": False})["sub"]


async def test_a_code_goes_to_the_binding_and_only_its_digest_is_kept(http, sql, sidecar, mobile):
    answer = await send(http, mobile)
    assert (answer.status_code, answer.json()["data"]) == (200, {"retryAfter": 60})
    [(binding, operation, data)] = sidecar.handed_over
    assert (binding, operation, data.keys()) == ("sms", "post", {"mobile", "code", "text"})
    assert re.fullmatch(r"[0-9]{6}", data["code"])
    assert data["code"] in data["text"]
    assert data["mobile"] == mobile
    kept = sql.execute("select digest, attempts from mobile_code where mobile = %s", [mobile]).fetchone()
    assert re.fullmatch(r"[0-9a-f]{64}", kept[0])
    assert kept[1] == 0
    assert data["code"] not in answer.text


async def test_who_registers_with_a_code_has_a_proven_account(http, sql, sidecar, mobile):
    token = bearer(await register(http, mobile, await code_for(http, sidecar, mobile)))
    assert user(sql, mobile)[0] == "code"
    assert (await http.post(DETAIL, headers=token)).status_code == 200
    assert sql.execute("select count(*) from mobile_code where mobile = %s", [mobile]).fetchone() == (0,)


async def test_without_a_code_an_account_is_made_whose_mobile_is_not_proven(http, sql, mobile):
    bearer(await register(http, mobile))
    assert user(sql, mobile)[0] is None


async def test_a_code_opens_what_a_stranger_had_registered_and_shuts_the_stranger_out(http, sql, sidecar, mobile):
    strangers = await register(http, mobile, password="the stranger's")
    owners = await register(http, mobile, await code_for(http, sidecar, mobile))
    assert user_id(owners) == user_id(strangers)
    assert (user(sql, mobile)[0], user(sql, mobile)[2]) == ("code", 1)
    assert (await http.post(DETAIL, headers=bearer(strangers))).status_code == 401
    statuses = [
        (await http.post(LOGIN, json={"mobile": mobile, "password": password})).status_code
        for password in ("the stranger's", PASSWORD)
    ]
    assert statuses == [401, 200]
    audit = "select act, note from operator_act where subject = %s"
    expected = [("password-void", "set before the number was proven, by code")]
    assert sql.execute(audit, [f"user:{user_id(owners)}"]).fetchall() == expected


async def test_a_code_gives_a_password_to_the_account_that_wechat_proved(http, sql, sidecar, mobile, wechat_user):
    by_wechat = await http.post(WX, json=wechat_user(mobile).sign_in())
    by_password = await register(http, mobile, await code_for(http, sidecar, mobile))
    assert user_id(by_password) == user_id(by_wechat)
    assert user(sql, mobile)[0::2] == ("wechat", 0)
    assert (await http.post(DETAIL, headers=bearer(by_wechat))).status_code == 200


async def test_a_proven_account_with_a_password_is_taken_even_with_a_code(http, sql, sidecar, mobile, after):
    await register(http, mobile, await code_for(http, sidecar, mobile))
    before = user(sql, mobile)
    after(minutes=2)
    refused = await register(http, mobile, await code_for(http, sidecar, mobile), "quite another one")
    assert (refused.status_code, refused.json()["code"]) == (409, 100202)
    assert user(sql, mobile) == before


@pytest.mark.parametrize("registered", [False, True])
async def test_a_wrong_code_is_refused_and_changes_nothing(http, sql, sidecar, mobile, registered):
    if registered:
        await register(http, mobile)
    before = user(sql, mobile)
    refused = await register(http, mobile, wrong(await code_for(http, sidecar, mobile)))
    assert (refused.status_code, refused.json()["field"], refused.json()["code"]) == (422, "code", 100208)
    assert user(sql, mobile) == before


async def test_a_wrong_code_is_in_the_security_log(http, sidecar, mobile):
    code = await code_for(http, sidecar, mobile)
    grown = Growth("security_events_total", kind="mobile_code_wrong")
    with capture_logs() as said:
        assert (await register(http, mobile, wrong(code))).status_code == 422
    [line] = [each for each in said if each["event"] == "security"]
    assert (line["security_event"], grown()) == ("mobile_code_wrong", 1)
    assert mobile not in str(line)


@pytest.fixture
def standing(clock):
    """A wait is a second, and an attempt may take as long."""
    clock.stands_at = utc_now()
    yield clock
    clock.stands_at = None


async def test_wrong_codes_from_one_address_have_a_bound_in_all(http, sql, sidecar, mobile, standing):
    code = await code_for(http, sidecar, mobile)
    count = "insert into sign_in_failures (counted_by, failures, since, last_at) values (%s, 99, %s, %s)"
    sql.execute(count, ["codes 203.0.114.7", standing(), standing()])
    body = {"mobile": mobile, "password": PASSWORD}

    async def tried(code, address):
        headers = {**SIDECAR_HEADERS, "client-address": address}
        return await http.post(REGISTER, json=body | {"code": code}, headers=headers)

    assert (await tried(wrong(code), "203.0.114.7")).status_code == 422
    refused = await tried(code, "203.0.114.7")
    assert (refused.status_code, refused.json()["code"], int(refused.headers["Retry-After"])) == (429, 100216, 1)
    assert user(sql, mobile) is None
    assert sql.execute("select attempts from mobile_code where mobile = %s", [mobile]).fetchone() == (1,)
    assert (await tried(code, "203.0.114.8")).status_code == 200


async def test_a_code_is_good_for_one_use(http, sidecar, mobile):
    code = await code_for(http, sidecar, mobile)
    answers = await asyncio.gather(*(register(http, mobile, code, f"a fifth of them {n}") for n in range(5)))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.status_code for answer in answers} <= {200, 409, 422}


async def test_five_wrong_attempts_end_a_code_even_at_once(http, sidecar, mobile):
    code = await code_for(http, sidecar, mobile)
    answers = await asyncio.gather(*(register(http, mobile, wrong(code)) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {422}
    assert (await register(http, mobile, code)).status_code == 422


async def test_a_code_is_over_after_five_minutes(http, sidecar, mobile, after):
    code = await code_for(http, sidecar, mobile)
    after(minutes=5)
    assert (await register(http, mobile, code)).status_code == 422


async def test_only_the_newest_code_counts_and_only_for_its_mobile(http, sidecar, mobile, after):
    other = f"138{secrets.randbelow(10**8):08d}"
    first = await code_for(http, sidecar, mobile)
    after(seconds=61)
    second = await code_for(http, sidecar, mobile)
    assert (await register(http, mobile, first)).status_code == (200 if first == second else 422)
    assert (await register(http, other, second)).status_code == 422
    assert (await register(http, mobile, second)).status_code == 200


async def test_a_mobile_gets_one_a_minute_and_ten_a_day_also_at_once(http, sidecar, mobile, after):
    answers = await asyncio.gather(*(send(http, mobile) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 429, 429, 429, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.json()["code"], 0 < int(refused.headers["Retry-After"]) <= 60) == (100209, True)
    for _ in range(9):
        after(seconds=61)
        assert (await send(http, mobile)).status_code == 200
    after(seconds=61)
    refused = await send(http, mobile)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 23 * 3600) == (429, True)
    assert len(sidecar.handed_over) == 10


async def test_an_address_and_all_together_have_limits_of_their_own(database_url, clock, sidecar):
    settings = Settings(
        database_url=database_url,
        app_api_token=APP_TOKEN,
        wxma_base_url=WECHAT,
        wxma_appid=APPID,
        code_address_hourly=2,
        code_total_hourly=4,
    )
    keys = held()
    mobiles = [f"136{n:08d}" for n in range(8)]
    async with client(create_app(settings, clock=clock, sidecar=sidecar, held_secrets=keys)) as http:
        one = [(await send(http, mobile, **{"client-address": "203.0.113.1"})).status_code for mobile in mobiles[:3]]
        rest = [(await send(http, mobile)).status_code for mobile in mobiles[3:]]
    assert (one, rest) == ([200, 200, 429], [200, 200, 429, 429, 429])


async def asked_from(database_url, clock, sidecar, addresses, **limits):
    """The statuses of one request from each address (None: unknown), each for another mobile."""
    settings = Settings(
        database_url=database_url, app_api_token=APP_TOKEN, wxma_base_url=WECHAT, wxma_appid=APPID, **limits
    )
    app = create_app(
        settings,
        clock=clock,
        sidecar=sidecar,
        held_secrets=held(),
    )
    async with client(app) as http:
        headers = [{"client-address": address} if address else {} for address in addresses]
        return [(await send(http, f"135{n:08d}", **each)).status_code for n, each in enumerate(headers)]


async def test_requests_of_unknown_addresses_share_half_and_leave_the_rest_to_the_known(database_url, clock, sidecar):
    unknown = [None, "x", None, "", None]
    known = [f"203.0.113.{n}" for n in range(4)]
    statuses = await asked_from(database_url, clock, sidecar, [*unknown, *known], code_total_hourly=6)
    assert statuses == [200, 200, 200, 429, 429, 200, 200, 200, 429]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["2a00:1450:1:2::1", "2a00:1450:1:2:ffff::9", "2a00:1450:1:2::3", "2a00:1450:1:3::1"], [200, 200, 429, 200]),
        (["203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7", "203.0.113.8"], [200, 200, 429, 200]),
    ],
    ids=["a /64 of IPv6 is one site", "IPv4 written as IPv6"],
)
async def test_one_host_has_one_limit_whatever_address_it_takes(database_url, clock, sidecar, addresses, expected):
    assert await asked_from(database_url, clock, sidecar, addresses, code_address_hourly=2) == expected


async def test_what_could_not_be_sent_is_503_and_may_be_asked_for_again_at_once(http, sql, sidecar, mobile):
    sidecar.bindings_are_away = True
    assert (await send(http, mobile)).status_code == 503
    sidecar.bindings_are_away = False
    assert (await send(http, mobile)).status_code == 200
    assert sql.execute("select count(*) from mobile_code_sending").fetchone() == (2,)  # it may have cost money
    assert (await send(http, mobile)).status_code == 429


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345x", "１２３４５６", 123456, ["123456"], "123456\n"])
async def test_what_is_no_code_is_refused_by_field(http, sql, mobile, code):
    refused = await http.post(REGISTER, json={"mobile": mobile, "password": PASSWORD, "code": code})
    assert (refused.status_code, refused.json()["field"]) == (422, "code")
    assert user(sql, mobile) is None


async def test_where_a_proof_is_required_registering_without_one_is_refused(database_url, clock, sql, sidecar, mobile):
    settings = Settings(
        database_url=database_url,
        app_api_token=APP_TOKEN,
        wxma_base_url=WECHAT,
        wxma_appid=APPID,
        require_mobile_proof=True,
    )
    keys = held()
    async with client(create_app(settings, clock=clock, sidecar=sidecar, held_secrets=keys)) as http:
        refused = await register(http, mobile)
        assert (refused.status_code, refused.json()["field"], refused.json()["code"]) == (422, "code", 100211)
        assert user(sql, mobile) is None
        bearer(await register(http, mobile, await code_for(http, sidecar, mobile)))


async def test_housekeeping_forgets_codes_that_are_over(http, sql, sidecar, settings, mobile, after, clock):
    await code_for(http, sidecar, mobile)
    parts = Parts.of(settings, clock=clock, sidecar=sidecar)
    after(hours=23)
    await parts.housekeeping.delete_expired()
    assert sql.execute("select count(*) from mobile_code").fetchone() == (0,)
    assert sql.execute("select count(*) from mobile_code_sending").fetchone() == (1,)
    after(hours=2)
    await parts.housekeeping.delete_expired()
    assert sql.execute("select count(*) from mobile_code_sending").fetchone() == (0,)
    await parts.db.close()
