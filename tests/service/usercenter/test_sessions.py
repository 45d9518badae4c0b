"""Sessions over HTTP: each sign-in is one; its user refreshes, lists and ends them, and a copied refresh token ends it."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from tests.service.usercenter.conftest import MovableClock, held

from servicekit.clock import unix, utc_now
from servicekit.testing import FakeSidecar, called_by, client
from usercenter.errors import SessionOver
from usercenter.main import create_app
from usercenter.parts import Parts
from usercenter.refresh_tokens import digest
from usercenter.settings import Settings

USER = "/usercenter/v1/user"
PASSWORD = "correct horse"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"}
Data = dict[str, Any]


@pytest.fixture(autouse=True)
def _now(clock: MovableClock) -> Iterator[None]:
    yield
    clock.ahead, clock.stands_at = timedelta(), None


@pytest.fixture
async def parts(settings: Settings, clock: MovableClock, sidecar: FakeSidecar) -> AsyncIterator[Parts]:
    made = Parts.of(settings, clock=clock, sidecar=sidecar)
    made.use_secrets(held())
    yield made
    await made.db.close()


async def post(http: httpx.AsyncClient, name: str, body: Data, signed_in: Data | None = None, **more: str):
    headers = {"Authorization": f"Bearer {signed_in['accessToken']}"} if signed_in else {}
    return await http.post(f"{USER}/{name}", json=body, headers=headers | more)


async def done(http: httpx.AsyncClient, name: str, body: Data, signed_in: Data | None = None, **more: str) -> Data:
    answer = await post(http, name, body, signed_in, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def registered(http: httpx.AsyncClient, mobile: str) -> Data:
    return await done(http, "register", {"mobile": mobile, "password": PASSWORD}, **FIREFOX)


async def signed_in(http: httpx.AsyncClient, mobile: str, password: str = PASSWORD) -> Data:
    return await done(http, "login", {"mobile": mobile, "password": password})


async def refreshed(http: httpx.AsyncClient, token: Data, device: Mapping[str, str] = FIREFOX) -> httpx.Response:
    return await post(http, "refreshToken", {"refreshToken": token["refreshToken"]}, **device)


def claims_of(token: Data) -> Data:
    return jwt.decode(token["accessToken"], options={"verify_signature": False})


def sid(token: Data) -> int:
    return int(claims_of(token)["sid"])


def is_over(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"], answer.json()["type"]) == (401, 100212, "/problems/session-over")


def endings(sql: psycopg.Connection, *tokens: Data) -> list[str | None]:
    rows = dict(sql.execute("select id, ended_by from user_session").fetchall())
    return [rows[sid(token)] for token in tokens]


async def ended_sessions(http: httpx.AsyncClient) -> list[int]:
    return (await http.get("/internal/revocations", headers=called_by("order"))).json()["sessions"]


async def test_each_sign_in_is_a_session_of_its_own_that_its_token_names(http, sql, mobile, clock, wechat_user):
    first = await registered(http, mobile)
    second = await signed_in(http, mobile)
    third = await done(http, "wxMiniAuth", wechat_user(mobile).sign_in())

    rows = sql.execute(
        "select id::text, generation, amr, device, started_at = authenticated_at, started_at = last_used_at,"
        " extract(epoch from authenticated_at) from user_session where user_id = %s order by id",
        [claims_of(first)["sub"]],
    ).fetchall()
    assert [row[:6] for row in rows] == [
        (str(sid(first)), 0, ["pwd"], "Firefox, Linux", True, True),
        (str(sid(second)), 0, ["pwd"], "python-httpx/0.28.1", True, True),
        (str(sid(third)), 1, ["wechat"], "python-httpx/0.28.1", True, True),
    ]
    for row, claims in zip(rows, map(claims_of, (first, second, third)), strict=True):
        assert claims["auth_time"] == int(row[6])
        assert abs(claims["auth_time"] - unix(clock())) < 60
        assert (claims["amr"], claims["gen"]) == (row[2], row[1])


async def test_a_refresh_gives_new_tokens_of_the_same_session_and_only_hashes_are_kept(http, sql, mobile, clock):
    first = await registered(http, mobile)
    clock.ahead += timedelta(minutes=10)
    second = (await refreshed(http, first)).json()["data"]

    assert sorted(second) == ["accessExpire", "accessToken", "operatorNeeds", "refreshAfter", "refreshToken"]
    before, after = claims_of(first), claims_of(second)
    assert {name for name in before if before[name] != after[name]} == {"iat", "exp"}
    assert 598 <= after["iat"] - before["iat"] <= 602
    assert second["refreshToken"] != first["refreshToken"]
    kept = sql.execute(
        "select digest, used_at is not null from refresh_token where session_id = %s order by 2 desc", [sid(first)]
    ).fetchall()
    assert kept == [
        (hashlib.sha256(each["refreshToken"].encode()).digest(), used)
        for each, used in ((first, True), (second, False))
    ]


async def test_two_tabs_that_refresh_at_once_are_given_the_same_token_and_stay_signed_in(http, sql, mobile, clock):
    first = await registered(http, mobile)
    answers = await asyncio.gather(*(refreshed(http, first) for _ in range(3)))
    [following] = {answer.json()["data"]["refreshToken"] for answer in answers}
    clock.ahead += timedelta(seconds=8)
    late = await refreshed(http, first)  # a client that lost the answer
    assert late.json()["data"]["refreshToken"] == following
    assert (await refreshed(http, {"refreshToken": following})).status_code == 200
    assert endings(sql, first) == [None]


async def test_a_session_rotates_once_in_five_seconds_however_often_it_refreshes(http, sql, mobile, clock):
    clock.stands_at = utc_now()
    first = await registered(http, mobile)
    second = (await refreshed(http, first)).json()["data"]
    clock.ahead += timedelta(seconds=4.9)
    for _ in range(20):
        again = await refreshed(http, second)
        assert again.json()["data"]["refreshToken"] == second["refreshToken"]
    count = "select count(*), count(used_at) from refresh_token where session_id = %s"
    assert sql.execute(count, [sid(first)]).fetchone() == (2, 1)
    clock.ahead = timedelta(seconds=5)
    third = (await refreshed(http, second)).json()["data"]
    assert third["refreshToken"] != second["refreshToken"]
    assert sql.execute(count, [sid(first)]).fetchone() == (3, 2)


async def test_a_used_token_is_followed_for_a_few_steps_alone(parts, sql, mobile, clock):
    clock.stands_at = utc_now()
    parts.sessions.refresh_tokens.pause = timedelta()
    opened = await parts.sessions.open(await parts.registration.register(mobile, PASSWORD, None), "")
    tokens = [opened.refresh_token]
    for _ in range(9):
        tokens.append((await parts.sessions.refresh(tokens[-1], "")).refresh_token)
    with pytest.raises(SessionOver, match="8 tokens"):
        await parts.sessions.refresh(tokens[0], "")
    assert (await parts.sessions.refresh(tokens[2], "")).refresh_token == tokens[9]
    ended = "select ended_by from user_session where id = (select session_id from refresh_token where digest = %s)"
    assert sql.execute(ended, [digest(tokens[0])]).fetchone() == (None,)


async def test_a_copied_refresh_token_ends_the_session_for_the_thief_and_the_owner(http, sql, mobile, clock):
    stolen = await registered(http, mobile)
    other = await signed_in(http, mobile)
    newest = (await refreshed(http, stolen)).json()["data"]
    clock.ahead += timedelta(seconds=11)

    assert is_over(await refreshed(http, stolen))
    assert is_over(await refreshed(http, newest))
    assert endings(sql, stolen, other) == ["reuse", None]
    assert sid(stolen) in await ended_sessions(http)
    assert (await refreshed(http, other)).status_code == 200


async def test_a_used_token_that_comes_a_fourth_time_again_was_copied_however_soon(http, sql, mobile, clock):
    clock.stands_at = utc_now()
    stolen = await registered(http, mobile)
    newest = (await refreshed(http, stolen)).json()["data"]
    with capture_logs() as said:
        for _ in range(3):
            again = await refreshed(http, stolen)
            assert again.json()["data"]["refreshToken"] == newest["refreshToken"]
        assert endings(sql, stolen) == [None]
        assert is_over(await refreshed(http, stolen))
    assert is_over(await refreshed(http, newest))
    assert endings(sql, stolen) == ["reuse"]
    lines = [(each["security_event"], each["session_id"]) for each in said if each["event"] == "security"]
    assert lines == [("refresh_repeated", sid(stolen))] * 3 + [("refresh_reused", sid(stolen))]


async def test_a_used_token_that_comes_from_another_device_was_copied(http, sql, mobile, clock):
    clock.stands_at = utc_now()
    stolen = await registered(http, mobile)
    newest = (await refreshed(http, stolen)).json()["data"]
    assert is_over(await refreshed(http, stolen, {"User-Agent": "curl/8.5.0"}))
    assert is_over(await refreshed(http, newest))
    assert endings(sql, stolen) == ["reuse"]


async def test_an_access_token_is_no_refresh_token(http, mobile):
    token = await registered(http, mobile)
    answer = await post(http, "refreshToken", {}, token)
    assert (answer.status_code, answer.json()["field"]) == (422, "refreshToken")
    answer = await post(http, "refreshToken", {"refreshToken": token["accessToken"]}, token)
    assert (answer.status_code, answer.json()["field"]) == (422, "refreshToken")
    assert is_over(await post(http, "refreshToken", {"refreshToken": "A" * 43}))


async def test_a_sign_out_ends_this_session_and_no_other(http, sql, mobile):
    mine, other = await registered(http, mobile), await signed_in(http, mobile)
    assert await done(http, "logout", {}, mine) == {}
    assert endings(sql, mine, other) == ["sign-out", None]
    assert is_over(await refreshed(http, mine))
    assert sid(mine) in await ended_sessions(http)
    assert (await refreshed(http, other)).status_code == 200


async def test_a_user_sees_where_they_are_signed_in(http, sql, mobile, clock):
    clock.ahead = timedelta(minutes=-2)  # services verify tokens by the machine's clock
    first = await registered(http, mobile)
    clock.ahead += timedelta(minutes=1)
    second = await signed_in(http, mobile)
    await registered(http, f"138{mobile[3:]}")
    clock.ahead += timedelta(minutes=1)
    first = (await refreshed(http, first)).json()["data"]

    [newest, older] = (await done(http, "sessionList", {}, first))["list"]
    assert (newest["id"], newest["device"], newest["isCurrent"]) == (sid(first), "Firefox, Linux", True)
    assert (older["id"], older["device"], older["isCurrent"]) == (sid(second), "python-httpx/0.28.1", False)
    query = "select started_at, last_used_at from user_session where id = %s"
    for shown in (newest, older):
        told = tuple(datetime.fromisoformat(shown[name]) for name in ("startedAt", "lastUsedAt"))
        assert told == sql.execute(query, [shown["id"]]).fetchone()
    assert (datetime.fromisoformat(newest["lastUsedAt"]) - datetime.fromisoformat(newest["startedAt"])).seconds >= 119


async def test_a_user_ends_a_session_elsewhere_and_never_one_of_another_user(http, sql, mobile):
    mine, lost = await registered(http, mobile), await signed_in(http, mobile)
    stranger = await registered(http, f"138{mobile[3:]}")

    refused = await post(http, "sessionEnd", {"id": sid(lost)}, stranger)
    assert (refused.status_code, endings(sql, lost)) == (404, [None])
    assert await done(http, "sessionEnd", {"id": sid(lost)}, mine) == {}
    assert endings(sql, mine, lost, stranger) == [None, "user", None]
    assert is_over(await refreshed(http, lost))
    assert [each["id"] for each in (await done(http, "sessionList", {}, mine))["list"]] == [sid(mine)]
    assert (await post(http, "sessionEnd", {"id": sid(lost)}, mine)).status_code == 404
    bad = await post(http, "sessionEnd", {"id": "1"}, mine)
    assert (bad.status_code, bad.json()["field"]) == (422, "id")


async def test_a_new_password_ends_all_other_sessions_and_gives_this_one_new_tokens(http, mobile, clock):
    clock.ahead = timedelta(minutes=-5)
    mine, other = await registered(http, mobile), await signed_in(http, mobile)
    clock.ahead = timedelta()
    body = {"oldPassword": PASSWORD, "newPassword": "battery staple"}
    renewed = await done(http, "changePassword", body, mine)

    assert (sid(renewed), claims_of(renewed)["gen"]) == (sid(mine), 1)
    assert claims_of(renewed)["auth_time"] == claims_of(mine)["auth_time"]  # acts on money need a code as well
    for token in (mine, other):
        assert is_over(await refreshed(http, token))
        assert (await post(http, "detail", {}, token)).status_code == 401
    assert (await post(http, "detail", {}, renewed)).status_code == 200
    assert (await refreshed(http, renewed)).status_code == 200
    assert (await post(http, "login", {"mobile": mobile, "password": PASSWORD})).status_code == 401
    await signed_in(http, mobile, "battery staple")


async def test_a_wrong_old_password_changes_nothing_and_counts_as_a_failed_sign_in(
    http, sql, mobile, clock, wechat_user
):
    mine = await registered(http, mobile)
    row = 'select * from "user" where mobile = %s'
    before = sql.execute(row, [mobile]).fetchone()
    body = {"oldPassword": "a guess", "newPassword": "battery staple"}
    for number in range(10):
        clock.ahead = timedelta(seconds=61 if number >= 5 else 0)  # a user gives it ten times a minute
        answer = await post(http, "changePassword", body, mine)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, 100213, "oldPassword")
    slowed = await post(http, "changePassword", body | {"oldPassword": PASSWORD}, mine)
    assert (slowed.status_code, slowed.json()["code"]) == (429, 100203)
    assert sql.execute(row, [mobile]).fetchone() == before
    assert (await refreshed(http, mine)).status_code == 200

    clock.ahead = timedelta()  # services verify tokens by the machine's clock
    by_wechat = await done(http, "wxMiniAuth", wechat_user(f"137{mobile[3:]}").sign_in())
    answer = await post(http, "changePassword", body, by_wechat)
    assert (answer.status_code, answer.json()["field"]) == (422, "oldPassword")


async def test_a_session_over_cannot_change_the_password(http, sql, mobile):
    mine = await registered(http, mobile)
    await done(http, "logout", {}, mine)
    before = sql.execute('select password_hash from "user" where mobile = %s', [mobile]).fetchone()
    body = {"oldPassword": PASSWORD, "newPassword": "battery staple"}
    assert (await post(http, "changePassword", body, mine)).status_code == 401
    assert sql.execute('select password_hash from "user" where mobile = %s', [mobile]).fetchone() == before


@pytest.mark.parametrize(
    ("role", "idle", "longest"),
    [("buyer", timedelta(days=7), timedelta(days=30)), ("operator", timedelta(hours=2), timedelta(hours=12))],
)
async def test_a_session_ends_when_it_is_idle_and_at_the_latest_after_its_time(
    http, sql, mobile, clock, role, idle, longest
):
    token = await registered(http, mobile)
    grant = """update "user" set roles = %s, mobile_proven_at = now(), mobile_proven_by = 'code' where mobile = %s"""
    sql.execute(grant, [sorted({"buyer", role}), mobile])
    other = await signed_in(http, mobile)
    while clock.ahead + idle * 0.9 < longest:
        clock.ahead += idle * 0.9
        token = (await refreshed(http, token)).json()["data"]
    assert is_over(await refreshed(http, other))

    clock.ahead = longest - timedelta(minutes=5)
    last = (await refreshed(http, token)).json()["data"]
    assert 295 <= claims_of(last)["exp"] - claims_of(last)["iat"] <= 300  # no longer than the session
    clock.ahead = longest + timedelta(seconds=1)
    assert is_over(await refreshed(http, last))
    assert endings(sql, last) == [None]


async def test_what_is_over_is_deleted_with_its_tokens(http, sql, parts, mobile):
    sql.execute("delete from user_session")
    ended, idle, live = [await signed_in_anew(http, mobile, n) for n in range(3)]
    past = "update user_session set {} = now() - interval '{}' where id = %s"
    sql.execute(past.format("ended_at", "25 hours").replace("where", ", ended_by = 'user' where"), [sid(ended)])
    sql.execute(past.format("last_used_at", "169 hours"), [sid(idle)])
    await parts.housekeeping.delete_expired()
    assert sql.execute("select id from user_session").fetchall() == [(sid(live),)]
    assert sql.execute("select distinct session_id from refresh_token").fetchall() == [(sid(live),)]


@contextlib.contextmanager
def at_most(sql: psycopg.Connection, rows: int) -> Iterator[None]:
    """No statement deletes more refresh tokens than that."""
    sql.execute(
        """create function too_many() returns trigger language plpgsql as
        $$ begin if (select count(*) from gone) > tg_argv[0]::int then raise 'too many'; end if; return null; end $$"""
    )
    sql.execute(
        "create trigger too_many after delete on refresh_token referencing old table as gone"
        f" for each statement execute function too_many({rows})"
    )
    try:
        yield
    finally:
        sql.execute("drop trigger too_many on refresh_token")
        sql.execute("drop function too_many()")


@pytest.fixture
async def over(http: httpx.AsyncClient, sql: psycopg.Connection, mobile: str) -> int:
    """A session that is over, of a client that refreshed all the time; beside it a failure and a code of long ago."""
    sql.execute("delete from user_session")
    over = sid(await registered(http, mobile))
    sql.execute("update user_session set last_used_at = now() - interval '169 hours' where id = %s", [over])
    sql.execute(
        "insert into refresh_token (digest, session_id, used_at)"
        " select sha256(n::text::bytea), %s, now() from generate_series(1, 12000) n",
        [over],
    )
    past = utc_now() - timedelta(hours=25)
    sql.execute("insert into sign_in_failures values ('long ago', 1, %s, %s)", [past, past])
    sql.execute("insert into mobile_code values ('13900000000', '', %s, 0)", [past])
    return over


OLD = (
    "select (select count(*) from sign_in_failures where counted_by = 'long ago') + (select count(*) from mobile_code)"
)


async def test_a_session_with_many_tokens_is_deleted_in_slices(parts, sql, over):
    with at_most(sql, 5000):
        await parts.housekeeping.delete_expired()
    assert sql.execute("select count(*) from refresh_token where session_id = %s", [over]).fetchone() == (0,)
    assert sql.execute("select count(*) from user_session where id = %s", [over]).fetchone() == (0,)
    assert sql.execute(OLD).fetchone() == (0,)


async def test_what_cannot_be_deleted_holds_up_nothing_else(parts, sql, over):
    with at_most(sql, 0), pytest.raises(DBAPIError, match="too many"):
        await parts.housekeeping.delete_expired()
    assert sql.execute(OLD).fetchone() == (0,)
    assert sql.execute("select count(*) from user_session where id = %s", [over]).fetchone() == (1,)


async def signed_in_anew(http: httpx.AsyncClient, mobile: str, number: int) -> Data:
    return await (signed_in(http, mobile) if number else registered(http, mobile))


@pytest.fixture(scope="module")
async def replicas(
    settings: Settings, clock: MovableClock, sidecar: FakeSidecar
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two, with one key, on one database."""
    one_key = held()
    apps = [create_app(settings, clock=clock, sidecar=sidecar, held_secrets=one_key) for _ in range(2)]
    async with client(apps[0]) as one, client(apps[1]) as other:
        yield [one, other]


async def test_two_replicas_that_refresh_at_once_give_one_chain(replicas, sql, mobile, clock):
    one, other = replicas
    token = await registered(one, mobile)
    for _ in range(10):
        clock.ahead += timedelta(seconds=6)
        answers = await asyncio.gather(*(refreshed(each, token) for each in (one, other, one, other)))
        assert [answer.status_code for answer in answers] == [200] * 4
        tokens = {answer.json()["data"]["refreshToken"] for answer in answers}
        assert len(tokens) == 1
        token = answers[0].json()["data"]
    count = "select count(*), count(used_at) from refresh_token where session_id = %s"
    assert sql.execute(count, [sid(token)]).fetchone() == (11, 10)
    assert endings(sql, token) == [None]


async def test_a_sign_out_and_a_refresh_at_once_leave_no_session(replicas, sql, mobile):
    one, other = replicas
    for number in range(10):
        token = await registered(one, f"{mobile[:-1]}{number}")
        refreshing, _ = await asyncio.gather(refreshed(other, token), done(one, "logout", {}, token))
        assert endings(sql, token) == ["sign-out"]
        if refreshing.status_code == 200:
            assert is_over(await refreshed(other, refreshing.json()["data"]))
        else:
            assert is_over(refreshing)
