"""Password guessing is slowed down; the owner of the account gets in, from another address and on a known device."""

import asyncio
from datetime import timedelta

import jwt
import pytest
from structlog.testing import capture_logs
from tests.service.usercenter.sign_in import PASSWORD, register

from servicekit.clock import utc_now
from servicekit.testing import SIDECAR_HEADERS

LOGIN = "/usercenter/v1/user/login"
STRANGER, OWNER = "203.0.114.7", "198.41.0.4"
LAST_BYTE = "203.0.115."


@pytest.fixture(autouse=True)
def fresh(sql, clock):
    """The clock stands: an attempt may take a while, and a wait is a second."""
    sql.execute("delete from sign_in_failures")
    clock.stands_at = utc_now()
    yield
    clock.stands_at, clock.ahead = None, timedelta()


@pytest.fixture
def login(http):
    async def sign_in(mobile, password=PASSWORD, *, at=STRANGER, device=""):
        body = {"mobile": mobile, "password": password} | ({"deviceToken": device} if device else {})
        headers = {**SIDECAR_HEADERS} | ({"client-address": at} if at else {})
        return await http.post(LOGIN, json=body, headers=headers)

    return sign_in


@pytest.fixture
def failing(login):
    """The statuses of so many attempts with a wrong password."""

    async def fail(mobile, count, **how):
        return [(await login(mobile, "wrong password", **how)).status_code for _ in range(count)]

    return fail


async def test_the_owner_gets_in_while_a_stranger_guesses(http, mobile, login, failing):
    await register(http, mobile)
    assert await failing(mobile, 12) == [401] * 5 + [429] * 7
    assert (await login(mobile)).status_code == 429  # nor does the right password help at that address
    assert (await login(mobile, at=OWNER)).status_code == 200


async def test_each_failure_doubles_the_wait_until_the_window_ends(http, sql, mobile, login, failing, clock):
    await register(http, mobile)
    assert await failing(mobile, 5) == [401] * 5
    waits = []
    while sum(waits) < 900:
        refused = await login(mobile, "wrong password")
        assert refused.status_code == 429
        waits.append(int(refused.headers["retry-after"]))
        clock.ahead += timedelta(seconds=waits[-1])
        assert (await login(mobile, "wrong password")).status_code == 401
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 389]  # not 512: what is left of the window
    assert sql.execute("select distinct failures from sign_in_failures").fetchall() == [(1,)]  # a new one
    assert (await login(mobile)).status_code == 200


async def test_a_known_device_is_not_slowed_by_strangers_even_at_the_same_address(http, mobile, login, failing):
    device = (await register(http, mobile)).json()["data"]["deviceToken"]
    assert await failing(mobile, 6) == [401] * 5 + [429]
    assert (await login(mobile, device=device)).status_code == 200
    assert (await login(mobile)).status_code == 429


async def test_a_known_device_has_tries_of_its_own_and_no_more(http, mobile, login, failing):
    device = (await register(http, mobile)).json()["data"]["deviceToken"]
    assert await failing(mobile, 11, device=device) == [401] * 10 + [429]
    assert (await login(mobile, device=device)).status_code == 429
    assert (await login(mobile)).status_code == 200  # and they count against no one else


async def test_a_devices_token_is_of_one_account_and_opens_nothing(http, mobile, login, failing):
    other = f"138{mobile[3:]}"
    device = (await register(http, mobile)).json()["data"]["deviceToken"]
    await register(http, other)
    assert await failing(other, 6, device=device) == [401] * 5 + [429]
    assert (await login(mobile, "wrong password", device=device)).status_code == 401


@pytest.mark.parametrize("part", range(5))
async def test_a_devices_token_that_was_changed_is_of_no_device(http, mobile, login, failing, part):
    device = (await register(http, mobile)).json()["data"]["deviceToken"]
    parts = device.split(".")
    parts[part] = parts[part][:-1] + ("1" if parts[part][-1] != "1" else "2")
    assert await failing(mobile, 6, device=".".join(parts)) == [401] * 5 + [429]


async def test_a_devices_token_ends_with_the_accounts_and_after_half_a_year(http, sql, mobile, login, failing, clock):
    device = (await register(http, mobile)).json()["data"]["deviceToken"]
    clock.ahead += timedelta(days=180, seconds=5)
    assert await failing(mobile, 6, device=device) == [401] * 5 + [429]
    clock.ahead = timedelta()
    again = (await login(mobile, at=OWNER)).json()["data"]["deviceToken"]
    sql.execute('update "user" set token_generation = token_generation + 1 where mobile = %s', [mobile])
    assert await failing(mobile, 6, device=again, at="203.0.114.9") == [401] * 5 + [429]


async def test_one_address_that_tries_many_mobiles_is_slowed_for_all_of_them(http, mobile, login, failing):
    await register(http, mobile)
    sprayed = [await failing(f"137{number:08d}", 1) for number in range(100)]
    assert sprayed == [[401]] * 100
    assert (await login(mobile)).status_code == 429
    assert (await login(mobile, at=OWNER)).status_code == 200


async def test_many_addresses_on_one_mobile_have_one_try_each_and_the_owner_still_gets_in(http, mobile, login, failing):
    await register(http, mobile)
    for number in range(10):
        assert await failing(mobile, 5, at=f"{LAST_BYTE}{number}") == [401] * 5
    assert await failing(mobile, 2, at=f"{LAST_BYTE}200") == [401, 429]
    assert (await login(mobile, at=OWNER)).status_code == 200


async def test_a_network_of_ipv6_does_not_have_a_try_for_each_of_its_sites(http, mobile, login, failing):
    await register(http, mobile)
    for site in range(10):
        assert await failing(mobile, 5, at=f"2408:8000:1:{site}::1") == [401] * 5
    assert await failing(mobile, 1, at="2408:8000:1:99::1") == [429]
    assert await failing(mobile, 1, at="2408:8000:2:99::1") == [401]
    assert (await login(mobile, at=OWNER)).status_code == 200


async def test_a_network_of_ipv6_that_tries_many_mobiles_is_slowed(http, sql, mobile, login, failing, clock):
    await register(http, mobile)
    count = "insert into sign_in_failures (counted_by, failures, since, last_at) values (%s, 1599, %s, %s)"
    sql.execute(count, ["* 2408:8000:1::/48", clock(), clock()])
    assert await failing(mobile, 1, at="2408:8000:1:7::1") == [401]
    assert (await login(mobile, at="2408:8000:1:8::1")).status_code == 429
    assert (await login(mobile, at="2408:8000:2:8::1")).status_code == 200


@pytest.mark.parametrize("unknown", ["", "10.0.0.9", "127.0.0.1"])
async def test_who_comes_from_our_own_networks_is_counted_by_mobile_alone(http, mobile, login, failing, unknown):
    other = f"136{mobile[3:]}"
    await register(http, mobile)
    await register(http, other)
    assert await failing(mobile, 6, at=unknown) == [401] * 5 + [429]
    assert (await login(other, at=unknown)).status_code == 200
    assert (await login(mobile, at=OWNER)).status_code == 200


async def test_parallel_guesses_do_not_pass_the_limit(http, mobile, login):
    await register(http, mobile)
    answers = await asyncio.gather(*(login(mobile, f"guess number {n}") for n in range(25)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(401), statuses.count(429)) == (5, 20)


async def test_a_good_sign_in_forgets_the_failures_of_this_address_alone(http, sql, mobile, login, failing):
    await register(http, mobile)
    for _ in range(2):
        assert await failing(mobile, 4) == [401] * 4
        assert await failing(mobile, 4, at=OWNER) == [401] * 4
        assert (await login(mobile)).status_code == 200
        sql.execute("delete from sign_in_failures where counted_by like %s", [f"%{OWNER}"])
    rows = sql.execute("select counted_by, failures from sign_in_failures order by failures").fetchall()
    assert [failures for _, failures in rows] == [8, 16]
    assert rows[0][0] == f"* {STRANGER}"
    assert rows[1][0].endswith(" in all")
    assert mobile not in str(rows)


async def test_an_unknown_mobile_is_refused_like_a_known_one(mobile, login, failing):
    assert await failing(mobile, 6) == [401] * 5 + [429]


async def test_waiting_is_written_down(http, mobile, login, failing):
    await register(http, mobile)
    await failing(mobile, 5)
    with capture_logs() as said:
        assert (await login(mobile)).status_code == 429
    lines = [line for line in said if line["event"] == "security"]
    assert [(line["security_event"], line["address"]) for line in lines] == [("sign_in_slowed", STRANGER)]


async def test_who_signs_in_by_wechat_has_a_known_device_too(http, mobile, wechat_user, failing):
    answer = await http.post("/usercenter/v1/user/wxMiniAuth", json=wechat_user(mobile).sign_in())
    data = answer.json()["data"]
    user_id = jwt.decode(data["accessToken"], options={"verify_signature": False})["sub"]
    assert data["deviceToken"].split(".")[0] == user_id
    assert await failing(mobile, 11, device=data["deviceToken"]) == [401] * 10 + [429]


@pytest.mark.parametrize("device", ["x" * 8, "1" * 201, "1.2.3\n", 7, None])
async def test_what_is_no_devices_token_is_refused_by_name(http, sql, mobile, device):
    answer = await http.post(LOGIN, json={"mobile": mobile, "password": PASSWORD, "deviceToken": device})
    assert (answer.status_code, answer.json()["field"]) == (422, "deviceToken")
    assert sql.execute("select count(*) from sign_in_failures").fetchone() == (0,)


@pytest.mark.parametrize("device", [".", "....", "1.2.3.4.5", "..", "0" * 200])
async def test_any_other_text_is_of_no_device(mobile, failing, device):
    assert await failing(mobile, 6, device=device) == [401] * 5 + [429]


async def test_who_is_signed_in_proves_it_again_whatever_strangers_tried(http, mobile, failing, clock):
    token = (await register(http, mobile)).json()["data"]["accessToken"]
    headers = {**SIDECAR_HEADERS, "client-address": STRANGER, "Authorization": f"Bearer {token}"}

    async def again(password):
        body = {"password": password}
        return (await http.post("/usercenter/v1/user/reauthenticate", json=body, headers=headers)).status_code

    assert await failing(mobile, 6) == [401] * 5 + [429]
    assert await again(PASSWORD) == 200
    tries = [await again("wrong password") for _ in range(5)]
    clock.ahead += timedelta(seconds=61)  # beside all failures a user may give it ten times a minute
    tries += [await again("wrong password") for _ in range(6)]
    assert tries == [401] * 10 + [429]  # tries of its own, and no more
    assert await again(PASSWORD) == 429
