"""All that is held of a user, in all services: told to them and to operators, erased on request, forgotten with a closed
account. The other services are played; what each does with its own tables: its test_personal_data."""

import asyncio
import json
import secrets
import time
from datetime import timedelta

import httpx
import pytest
from tests.service.usercenter.conftest import new_key
from tests.support.operators import TOTP_KEY
from tests.support.peers import PublishedPeers

from servicekit.testing import SIDECAR_HEADERS, FakeSidecar, Tokens, client
from usercenter.main import create_app
from usercenter.models import MERCHANT
from usercenter.parts import Parts

SN = "HSO2026112309302612345678"
OPERATOR = 900
SESSION = (
    "insert into user_session (user_id, generation, amr, device, started_at, authenticated_at, last_used_at)"
    " values (%(id)s, 0, '{pwd}', 'Firefox', now(), now(), now())"
)
EXPORT, ERASE = "/usercenter/v1/ops/personalDataExport", "/usercenter/v1/ops/personalDataErase"
OWN = "/usercenter/v1/user/exportData"
HELD = {
    "order": {"orders": [{"sn": SN, "remark": "两只猫"}]},
    "payment": {"payments": [{"sn": "PMT2026112309310087654321", "total_fen": 19900}]},
    "travel": {"comments": []},
    "notification": {"messages": [{"kind": "paid"}]},
}


class Services(PublishedPeers):
    """The four others: they hold HELD, and erase a row each."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: dict[tuple[str, str], list[dict]] = {}
        self.all_there()

    def all_there(self) -> None:
        self.bodies.clear()
        for each, held in HELD.items():
            self.tell(each, "personalData", {"held": held})
            self.tell(each, "erasePersonalData", {"rows": {"rows": 1}, "openOrders": []})

    def tell(self, app_id: str, method: str, body: object, status: int = 200) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            self.bodies.setdefault((app_id, method), []).append(json.loads(request.content))
            return httpx.Response(status, json=body)

        self.answers[app_id, f"/internal/{method}"] = answer


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture(scope="module")
def services() -> Services:
    return Services()


@pytest.fixture(scope="module")
async def app(settings, clock, tokens, services):
    held = {"jwt-private-key": new_key(), "totp-key": TOTP_KEY, "wxma-secret": "s"}
    app = create_app(settings, clock=clock, sidecar=services, verifier=tokens.verifier(), held_secrets=held)
    async with client(app) as http:
        yield http


@pytest.fixture
def http(app, services):
    services.all_there()
    return app


@pytest.fixture
def user(sql, mobile) -> int:
    """A buyer with a proven mobile, a password, a WeChat user, a session, a code under way and failed sign-ins."""
    [number] = sql.execute(
        """insert into "user" (mobile, nickname, sex, avatar, info, password_hash, mobile_proven_at, mobile_proven_by)"""
        " values (%s, '小安', 1, '/a/1.svg', '爱猫', 'hash', now(), 'code') returning id",
        [mobile],
    ).fetchone()
    for statement in (
        "insert into user_auth (user_id, auth_type, auth_key) values (%(id)s, 'system', %(mobile)s)",
        "insert into user_auth (user_id, auth_type, auth_key, appid) values (%(id)s, 'wxMini', %(openid)s, 'wx1')",
        SESSION,
        "insert into mobile_code (mobile, digest, expires_at) values (%(mobile)s, 'd', now())",
        "insert into mobile_code_sending (mobile, address, sent_at) values (%(mobile)s, '203.0.113.7', now())",
        (
            "insert into idempotency_key (scope, key, fingerprint, answer)"
            " values (%(mobile)s || ':/usercenter/v1/user/register', 'k', 'f', '{}')"
        ),
    ):
        sql.execute(statement, {"id": number, "mobile": mobile, "openid": f"o{secrets.token_hex(13)}"})
    return int(number)


async def ask(http, tokens, path, user, *, note="asked by letter", role="operator"):
    return await http.post(path, json={"userId": user, "note": note}, headers=tokens.bearer(OPERATOR, "buyer", role))


def account(sql, user):
    query = (
        "select mobile, nickname, sex, avatar, info, roles, password_hash, mobile_proven_at, mobile_proven_by,"
        """ token_generation, deleted_at is not null from "user" where id = %s"""
    )
    return sql.execute(query, [user]).fetchone()


def acts(sql, user):
    return sql.execute(
        "select operator_id, act, note from operator_act where subject = %s order by seq", [f"user:{user}"]
    ).fetchall()


def rows_about(sql, user, mobile):
    """How many rows of the other tables name the person."""
    counts = {}
    for table, column, value in (
        ("user_auth", "user_id", user),
        ("user_session", "user_id", user),
        ("mobile_code", "mobile", mobile),
        ("mobile_code_sending", "mobile", mobile),
        ("idempotency_key", "split_part(scope, ':', 1)", mobile),
    ):
        query = f"select count(*) from {table} where {column} = %s"  # noqa: S608 - names of ours
        counts[table] = sql.execute(query.encode(), [value]).fetchone()[0]
    return counts


FILLED = {"user_auth": 2, "user_session": 1, "mobile_code": 1, "mobile_code_sending": 1, "idempotency_key": 1}


async def test_a_user_is_told_all_that_is_held_of_them_in_every_service(http, tokens, services, user, mobile):
    answer = await http.post(OWN, json={}, headers=tokens.bearer(user))
    assert answer.status_code == 200, answer.text
    told = answer.json()["data"]["services"]
    assert {name: rows for name, rows in told.items() if name != "usercenter"} == HELD
    [own] = told["usercenter"]["account"]
    assert (own["mobile"], own["nickname"], own["info"]) == (mobile, "小安", "爱猫")
    assert "password_hash" not in own
    assert [each["auth_type"] for each in told["usercenter"]["sign_ins"]] == ["wxMini", "system"]
    assert [each["device"] for each in told["usercenter"]["sessions"]] == ["Firefox"]
    assert [each["address"] for each in told["usercenter"]["codes_sent"]] == ["203.0.113.7"]
    assert services.bodies["order", "personalData"] == [{"userId": user, "orderSns": []}]
    for name in ("payment", "travel", "notification"):
        assert services.bodies[name, "personalData"] == [{"userId": user, "orderSns": [SN]}]


@pytest.mark.parametrize("proven_by", [None, "operator"])
async def test_who_has_not_proven_a_mobile_is_told_nothing_of_what_others_did_with_it(
    http, tokens, sql, user, mobile, proven_by
):
    sql.execute(
        """update "user" set mobile_proven_by = %s, mobile_proven_at = %s where id = %s""",
        [proven_by, proven_by and "2026-11-01", user],
    )
    sql.execute("insert into login_failure (mobile, failures, since) values (%s, 1, now())", [mobile])
    own = (await http.post(OWN, json={}, headers=tokens.bearer(user))).json()["data"]["services"]["usercenter"]
    of_the_number = ("failed_sign_ins", "codes", "codes_sent", "requests")
    assert {name: own[name] for name in of_the_number} == {name: [] for name in of_the_number}
    assert len(own["sign_ins"]) == 2
    sql.execute("""update "user" set mobile_proven_by = 'code', mobile_proven_at = now() where id = %s""", [user])
    own = (await http.post(OWN, json={}, headers=tokens.bearer(user))).json()["data"]["services"]["usercenter"]
    assert {name: len(own[name]) for name in of_the_number} == dict.fromkeys(of_the_number, 1)


async def test_what_operators_noted_about_a_user_is_not_exported(http, tokens, sql, user):
    await ask(http, tokens, EXPORT, user, note="her sister 13812345678 called")
    told = await http.post(OWN, json={}, headers=tokens.bearer(user))
    [act] = told.json()["data"]["services"]["usercenter"]["acts"]
    assert (sorted(act), act["act"]) == (["act", "acted_at"], "personal-data-export")
    assert "sister" not in told.text


async def test_a_user_exports_three_times_an_hour_and_others_are_not_held_up(http, tokens, services, user):
    statuses = [(await http.post(OWN, json={}, headers=tokens.bearer(user))).status_code for _ in range(3)]
    asked = len(services.bodies["order", "personalData"])
    refused = await http.post(OWN, json={}, headers=tokens.bearer(user))
    assert (statuses, asked, refused.status_code) == ([200] * 3, 3, 429)
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert len(services.bodies["order", "personalData"]) == 3
    assert (await ask(http, tokens, EXPORT, user)).status_code == 200


async def test_an_operators_export_is_in_the_audit_with_who_and_why(http, tokens, sql, user):
    answer = await ask(http, tokens, EXPORT, user, note="request 17/2026")
    assert answer.json()["data"]["services"]["order"] == HELD["order"]
    assert acts(sql, user) == [(OPERATOR, "personal-data-export", "request 17/2026")]


async def test_an_export_that_lacks_a_service_is_none_and_the_attempt_is_in_the_audit(
    http, tokens, services, sql, user
):
    del services.answers["travel", "/internal/personalData"]
    answer = await ask(http, tokens, EXPORT, user)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/peer-unavailable")
    assert [each[1] for each in acts(sql, user)] == ["personal-data-export"]


@pytest.mark.parametrize("path", [EXPORT, ERASE])
async def test_only_operators_with_a_reason_may(http, tokens, services, sql, user, mobile, path):
    assert (await ask(http, tokens, path, user, role="merchant")).status_code == 403
    assert (await ask(http, tokens, path, user, note="  ")).status_code == 422
    assert (await ask(http, tokens, path, 10**9)).status_code == 404
    assert services.bodies == {}
    assert acts(sql, user) == []
    assert rows_about(sql, user, mobile) == FILLED


@pytest.mark.parametrize("path", [EXPORT, ERASE])
async def test_a_proof_of_eleven_minutes_ago_is_not_enough(http, tokens, services, sql, user, path):
    headers = tokens.bearer(OPERATOR, "buyer", "operator", auth_time=int(time.time()) - 660)
    refused = await http.post(path, json={"userId": user, "note": "n"}, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/reauthentication-required")
    assert services.bodies == {}
    assert acts(sql, user) == []


async def test_erasing_closes_the_account_and_leaves_no_trace_of_the_person(http, tokens, services, sql, user, mobile):
    answer = await ask(http, tokens, ERASE, user)
    assert answer.status_code == 200, answer.text
    told = answer.json()["data"]["services"]
    assert {name: rows for name, rows in told.items() if name != "usercenter"} == {name: {"rows": 1} for name in HELD}
    assert told["usercenter"] == {
        "account": 1, "sign_ins": 2, "sessions": 1, "second_factor": 0, "recovery_codes": 0,
        "failed_sign_ins": 0, "codes": 1,
        "codes_sent": 1, "requests": 1,
    }  # fmt: skip
    assert account(sql, user) == (
        f"erased:{user}", "已注销用户", 0, "", "", ["buyer"], None, None, None, 1, True,
    )  # fmt: skip
    assert set(rows_about(sql, user, mobile).values()) == {0}
    [(operator, act, note)] = acts(sql, user)
    assert (operator, act) == (OPERATOR, "personal-data-erase")
    assert note.startswith("asked by letter (")
    whom = {"userId": user, "operatorId": OPERATOR, "note": "asked by letter"}
    assert services.bodies["order", "erasePersonalData"] == [whom | {"orderSns": []}]
    assert services.bodies["payment", "erasePersonalData"] == [whom | {"orderSns": [SN]}]


async def test_erasing_again_changes_nothing_and_the_mobile_is_free(http, tokens, sql, user, mobile):
    await ask(http, tokens, ERASE, user)
    before = account(sql, user)
    again = await ask(http, tokens, ERASE, user)
    assert again.status_code == 200
    assert set(again.json()["data"]["services"]["usercenter"].values()) == {0}
    assert account(sql, user) == before
    [other] = sql.execute(
        """insert into "user" (mobile, nickname) values (%s, 'another') returning id""", [mobile]
    ).fetchone()
    assert other != user


async def test_an_account_with_open_orders_is_not_erased_and_the_orders_are_named(
    http, tokens, services, sql, user, mobile
):
    services.tell("order", "erasePersonalData", {"rows": {}, "openOrders": [SN]})
    before = account(sql, user)
    refused = await ask(http, tokens, ERASE, user)
    assert (refused.status_code, refused.json()["code"]) == (409, 100240)
    assert SN in refused.json()["msg"]
    assert account(sql, user) == before
    assert rows_about(sql, user, mobile) == FILLED
    assert acts(sql, user) == []
    assert {each for each in services.bodies if each[1] == "erasePersonalData"} == {("order", "erasePersonalData")}


async def test_an_account_with_a_role_is_not_erased(http, tokens, services, sql, user):
    sql.execute("""update "user" set roles = %s where id = %s""", [["buyer", MERCHANT], user])
    before = account(sql, user)
    refused = await ask(http, tokens, ERASE, user)
    assert (refused.status_code, refused.json()["code"]) == (409, 100210)
    assert account(sql, user) == before
    assert services.bodies == {}


async def test_what_failed_half_way_is_finished_by_asking_again(http, tokens, services, sql, user, mobile):
    del services.answers["notification", "/internal/erasePersonalData"]
    before = account(sql, user)
    assert (await ask(http, tokens, ERASE, user)).status_code == 503
    assert account(sql, user) == (*before[:-1], True)
    services.all_there()
    assert (await ask(http, tokens, ERASE, user)).status_code == 200
    assert set(rows_about(sql, user, mobile).values()) == {0}


async def test_the_account_is_closed_before_anything_is_erased(http, tokens, services, sql, user):
    closed_when_asked = []

    def answer(_request: httpx.Request) -> httpx.Response:
        closed_when_asked.append(account(sql, user)[-1])
        return httpx.Response(200, json={"rows": {}, "openOrders": []})

    services.answers["order", "/internal/erasePersonalData"] = answer
    assert (await ask(http, tokens, ERASE, user)).status_code == 200
    assert closed_when_asked == [True]


@pytest.mark.parametrize("method", ["personalData", "erasePersonalData"])
async def test_an_account_is_open_again_when_order_could_not_be_asked(
    http, tokens, services, sql, user, mobile, method
):
    del services.answers["order", f"/internal/{method}"]
    before = account(sql, user)
    assert (await ask(http, tokens, ERASE, user)).status_code == 503
    assert account(sql, user) == before
    assert rows_about(sql, user, mobile) == FILLED


async def test_all_orders_of_a_busy_guest_are_named_to_the_others(http, tokens, services, user):
    pages = [[f"HSO{n:022d}" for n in range(2000, 1000, -1)], [f"HSO{n:022d}" for n in range(1000, 998, -1)]]
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content).get("beforeSn"))
        return httpx.Response(200, json={"held": {"orders": [{"sn": sn} for sn in pages[len(asked) - 1]]}})

    services.answers["order", "/internal/personalData"] = answer
    erased = await ask(http, tokens, ERASE, user)
    assert asked == [None, pages[0][-1]]
    for name in ("payment", "travel", "notification"):
        assert [body["orderSns"] for body in services.bodies[name, "erasePersonalData"]] == pages
        assert erased.json()["data"]["services"][name] == {"rows": 2}


async def test_two_at_once_erase_once(http, tokens, sql, user):
    answers = await asyncio.gather(*(ask(http, tokens, ERASE, user) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    counts = [answer.json()["data"]["services"]["usercenter"]["account"] for answer in answers]
    assert sorted(counts) == [0, 0, 0, 1]


async def test_a_closed_accounts_person_is_forgotten_after_half_a_year(http, settings, clock, sql, user, mobile):
    sql.execute("""update "user" set deleted_at = %s where id = %s""", [clock(), user])
    parts = Parts.of(settings, clock=lambda: clock() + timedelta(days=179), sidecar=FakeSidecar())
    assert await parts.personal_data.forget() == 0
    assert account(sql, user)[0] == mobile
    await parts.db.close()
    parts = Parts.of(settings, clock=lambda: clock() + timedelta(days=181), sidecar=FakeSidecar())
    assert await parts.personal_data.forget() == 1
    assert await parts.personal_data.forget() == 0
    await parts.db.close()
    assert account(sql, user) == (f"erased:{user}", "", 0, "", "", ["buyer"], None, None, None, 0, True)
    counts = rows_about(sql, user, mobile)
    assert (counts["user_auth"], counts["user_session"]) == (0, 0)


async def test_cron_ticks_it(http):
    answer = await http.post("/jobs/usercenter-forget-personal-data", headers=SIDECAR_HEADERS)
    assert answer.json() == {"claimed": 0}
