"""The list of void tokens stays small, however many accounts were voided, and a void token is refused all the same."""

from datetime import timedelta

import httpx
import pytest

from servicekit.auth import LEEWAY_SECONDS, TokenVerifier
from servicekit.clock import unix
from servicekit.errors import Unauthenticated
from servicekit.revocation import MOST_ENDED_SESSIONS, MOST_REVOCATIONS, Revocations, revocations_by_invocation
from servicekit.testing import FakeSidecar, called_by

LARGEST_BYTES = 256 * 1024
VOID = """update "user" set token_generation = token_generation + 1, tokens_voided_at = %s where mobile = %s"""


@pytest.fixture(autouse=True)
def _no_users_before(sql, clock):
    sql.execute('delete from user_auth; delete from "user"')
    clock.ahead = timedelta()


async def sign_up(http, mobile):
    body = {"mobile": mobile, "password": "correct horse"}
    answer = await http.post("/usercenter/v1/user/register", json=body)
    return "Bearer " + answer.json()["data"]["accessToken"]


async def sign_in(http, mobile):
    body = {"mobile": mobile, "password": "correct horse"}
    return "Bearer " + (await http.post("/usercenter/v1/user/login", json=body)).json()["data"]["accessToken"]


def void_many(sql, count, moment):
    insert = """insert into "user" (mobile, nickname, token_generation, tokens_voided_at)
        select '2' || n, 'many', 1, %s from generate_series(1, %s) n"""
    sql.execute(insert, [moment, count])
    sql.execute('analyze "user"')


def end_many(sql, count, moment, *, first=1):
    """So many sessions of one account, whose ids follow `first`, ended at that moment."""
    insert = """insert into user_session (id, user_id, generation, amr, device, started_at, authenticated_at,
        last_used_at, ended_at, ended_by)
        select n, (select min(id) from "user"), 0, '{pwd}', '', %s, %s, %s, %s, 'sign-out'
        from generate_series(%s::bigint, %s::bigint) n"""
    sql.execute(insert, [*[moment] * 4, first, first + count - 1])
    sql.execute("analyze user_session")


async def answered(http) -> httpx.Response:
    return await http.get("/internal/revocations", headers=called_by("order"))


async def verifier(http):
    """A peer's, which has just asked."""
    sidecar = FakeSidecar()
    answers = {
        path: await http.get(f"/internal/{path}", headers=called_by("order")) for path in ("jwks", "revocations")
    }
    sidecar.answer("usercenter", "/internal/revocations", answers["revocations"].json())

    async def keys():
        return answers["jwks"].json()

    return TokenVerifier(keys, revocations=Revocations(revocations_by_invocation(sidecar)))


async def test_a_hundred_thousand_void_accounts_are_one_moment_in_a_small_answer(http, sql, clock, mobile):
    """As after migration 0002, which voids passwords older than a proof, all in one moment."""
    clock.ahead = timedelta(seconds=-60)
    voided, moment = await sign_up(http, mobile), clock()
    sql.execute(VOID, [moment - timedelta(seconds=1), mobile])
    void_many(sql, 100_000, moment)
    clock.ahead = timedelta()

    answer = await answered(http)
    assert (answer.status_code, len(answer.content) < LARGEST_BYTES) == (200, True), len(answer.content)
    found = answer.json()
    assert (len(found["users"]), found["issuedUntil"]) == (MOST_REVOCATIONS, unix(moment) + LEEWAY_SECONDS)
    assert all(each["generation"] == 1 for each in found["users"])
    peer = await verifier(http)
    with pytest.raises(Unauthenticated, match="revoked"):
        await peer.principal(voided)
    assert (await peer.principal(await sign_in(http, mobile))).generation == 1


async def test_the_newest_are_named_and_only_what_is_older_falls_under_the_moment(http, sql, clock, mobile):
    kept = await sign_up(http, "138" + mobile[3:])
    voided = await sign_up(http, mobile)
    now = clock()
    void_many(sql, MOST_REVOCATIONS, now - timedelta(minutes=10))
    sql.execute(VOID, [now, mobile])

    found = (await answered(http)).json()
    assert len(found["users"]) == MOST_REVOCATIONS
    assert found["issuedUntil"] == unix(now - timedelta(minutes=10)) + LEEWAY_SECONDS
    peer = await verifier(http)
    assert (await peer.principal(kept)).generation == 0
    with pytest.raises(Unauthenticated, match="revoked"):
        await peer.principal(voided)


async def test_as_long_as_all_are_named_no_other_user_is_touched(http, sql, clock, mobile):
    kept = await sign_up(http, mobile)
    void_many(sql, MOST_REVOCATIONS, clock())
    found = (await answered(http)).json()
    assert (len(found["users"]), found["issuedUntil"]) == (MOST_REVOCATIONS, 0)
    assert (await (await verifier(http)).principal(kept)).generation == 0


async def test_the_moment_ends_with_the_tokens_that_it_voids(http, sql, clock):
    void_many(sql, MOST_REVOCATIONS + 1, clock() - timedelta(hours=3))
    assert (await answered(http)).json() == {"users": [], "sessions": [], "issuedUntil": 0}


async def test_of_very_many_ended_sessions_the_newest_are_named_and_the_rest_is_a_moment(http, sql, clock, mobile):
    clock.ahead = timedelta(seconds=-60)
    early, moment = await sign_up(http, mobile), clock()
    end_many(sql, 1, moment, first=2**62)
    clock.ahead = timedelta()
    end_many(sql, MOST_ENDED_SESSIONS, clock(), first=2**61)

    found = (await answered(http)).json()
    assert found["sessions"] == [*range(2**61, 2**61 + MOST_ENDED_SESSIONS)]
    assert (found["users"], found["issuedUntil"]) == ([], unix(moment) + LEEWAY_SECONDS)
    peer = await verifier(http)
    with pytest.raises(Unauthenticated, match="revoked"):
        await peer.principal(early)  # its client refreshes it
    assert (await peer.principal(await sign_in(http, mobile))).generation == 0


async def test_an_ended_session_is_listed_until_its_tokens_have_expired(http, sql, clock, mobile):
    await sign_up(http, mobile)
    end_many(sql, 1, clock() - timedelta(minutes=19), first=10**12)
    end_many(sql, 1, clock() - timedelta(minutes=21), first=10**12 + 1)
    assert (await answered(http)).json() == {"users": [], "sessions": [10**12], "issuedUntil": 0}


async def test_the_longest_answer_there_can_be_is_small(http, sql, clock, mobile):
    largest = 2**63 - 1
    await sign_up(http, mobile)
    end_many(sql, MOST_ENDED_SESSIONS, clock(), first=largest - MOST_ENDED_SESSIONS)
    void_many(sql, MOST_REVOCATIONS, clock())
    sql.execute(
        """update "user" set id = %s - id, token_generation = %s where id not in (select user_id from user_session)""",
        [largest, largest],
    )
    assert len((await answered(http)).content) < LARGEST_BYTES
