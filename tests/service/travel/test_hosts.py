"""Becoming a host: apply, approve, refuse, and the role that usercenter grants."""

import asyncio
import itertools
import time

import pytest
from tests.service.travel.hosting import APPLY, HOST, OPS, changes, profile_of, proven, rows

from servicekit.testing import SIDECAR_HEADERS

OPERATOR = 3
_numbers = itertools.count(5000)


@pytest.fixture
def user() -> int:
    """One who has not applied."""
    return next(_numbers)


@pytest.fixture
def operator(tokens):
    return tokens.bearer(OPERATOR, "buyer", "operator")


@pytest.fixture
async def applied(http, sidecar, tokens, user, sql) -> int:
    """The id of the user's application."""
    proven(sidecar)
    answer = await http.post(f"{HOST}/apply", json=APPLY, headers=tokens.bearer(user))
    assert answer.status_code == 200, answer.text
    return sql.execute("select id from host_application where user_id = %s", [user]).fetchone()[0]


def state(sql, user):
    return sql.execute("select state, note, problem from host_application where user_id = %s", [user]).fetchone()


def granted_to(sidecar) -> list[int]:
    return [body["userId"] for app, path, body in sidecar.calls if path == "/internal/grantRole"]


async def own(http, tokens, user) -> dict:
    answer = await http.post(f"{HOST}/application", json={}, headers=tokens.bearer(user))
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_user_applies_and_reads_the_application(http, sidecar, tokens, user, sql):
    nothing = {"status": "none", "shopName": "", "contactName": "", "contactMobile": "", "about": "", "note": ""}
    assert await own(http, tokens, user) == nothing
    proven(sidecar)
    answer = await http.post(f"{HOST}/apply", json=APPLY | {"shopName": " 山里小院 "}, headers=tokens.bearer(user))
    assert (answer.status_code, answer.json()["data"]) == (200, {"status": "waiting"})
    assert await own(http, tokens, user) == {"status": "waiting", "note": "", **APPLY}
    told = {"shop_name": "山里小院", "contact_name": "小安", "contact_mobile": "13800000077", "about": "两间房"}
    assert changes(sql, user) == [(None, "apply", {}, told)]


async def test_applying_again_replaces_what_was_said(http, tokens, user, applied, sql):
    body = APPLY | {"about": "三间房"}
    again = await http.post(f"{HOST}/apply", json=body, headers=tokens.bearer(user))
    same = await http.post(f"{HOST}/apply", json=body, headers=tokens.bearer(user))
    assert again.json()["data"] == same.json()["data"] == {"status": "waiting"}
    assert await own(http, tokens, user) == {"status": "waiting", "note": "", **body}
    assert changes(sql, user)[1:] == [(None, "apply", {"about": "两间房"}, {"about": "三间房"})]


async def test_one_user_has_one_application_however_many_are_sent_at_once(http, sidecar, tokens, user, sql):
    proven(sidecar)
    sent = (http.post(f"{HOST}/apply", json=APPLY, headers=tokens.bearer(user)) for _ in range(6))
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
    assert sql.execute("select count(*) from host_application where user_id = %s", [user]).fetchone() == (1,)
    assert len(changes(sql, user)) == 1


async def test_the_same_request_under_the_same_key_gets_the_same_answer(http, sidecar, tokens, user, sql):
    proven(sidecar)
    headers = tokens.bearer(user) | {"Idempotency-Key": "a-1"}
    first = await http.post(f"{HOST}/apply", json=APPLY, headers=headers)
    again = await http.post(f"{HOST}/apply", json=APPLY, headers=headers)
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"shopName": ""}, "shopName"),
        ({"shopName": " "}, "shopName"),
        ({"shopName": "x" * 33}, "shopName"),
        ({"shopName": "a\nb"}, "shopName"),
        ({"contactName": None}, "contactName"),
        ({"contactMobile": "12800000000"}, "contactMobile"),
        ({"contactMobile": "１３８００００００７７"}, "contactMobile"),
        ({"about": "x" * 501}, "about"),
    ],
)
async def test_a_wrong_application_is_refused_by_field_and_nothing_is_written(
    http, sidecar, tokens, user, sql, change, field
):
    proven(sidecar)
    before = rows(sql)
    answer = await http.post(f"{HOST}/apply", json=APPLY | change, headers=tokens.bearer(user))
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (rows(sql), sidecar.calls) == (before, [])


@pytest.mark.parametrize(("status", "body"), [(200, profile_of(7, "小安") | {"mobileProven": False}), (404, {})])
async def test_whose_mobile_is_not_proven_cannot_apply(http, sidecar, tokens, user, sql, status, body):
    sidecar.answer("usercenter", "/internal/userById", body, status)
    before = rows(sql)
    answer = await http.post(f"{HOST}/apply", json=APPLY, headers=tokens.bearer(user))
    assert (answer.status_code, answer.json()["code"]) == (409, 100308)
    assert rows(sql) == before


async def test_while_usercenter_is_away_nothing_is_written(http, tokens, user, sql):
    before = rows(sql)
    answer = await http.post(f"{HOST}/apply", json=APPLY, headers=tokens.bearer(user))
    assert (answer.status_code, answer.json()["code"]) == (503, 100106)
    assert rows(sql) == before


async def test_an_approved_host_has_the_role_and_a_shop(http, sidecar, tokens, operator, user, applied, sql):
    approval = {"id": applied, "note": "licence seen"}
    answer = await http.post(f"{OPS}/hostApprove", json=approval, headers=operator)
    row = answer.json()["data"]
    assert row.pop("appliedAt") < row.pop("decidedAt")
    assert row == {"id": applied, "userId": user, "status": "granted", "note": "", "problem": None, **APPLY}
    assert ("usercenter", "/internal/grantRole", {"userId": user, "role": "merchant"}) in sidecar.calls
    shop = sql.execute("select title, row_state from homestay_business where user_id = %s", [user]).fetchall()
    assert shop == [("山里小院", 1)]
    act = "select operator_id, act, note from operator_act where subject = %s"
    done = sql.execute(act, [f"host-application:{applied}"]).fetchall()
    assert done == [(OPERATOR, "host-approve", "licence seen")]
    assert (await own(http, tokens, user))["status"] == "approved"


async def test_approving_twice_changes_nothing(http, sidecar, operator, user, applied, sql):
    first = await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator)
    before = rows(sql)
    again = await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator)
    assert (again.json(), rows(sql)) == (first.json(), before)
    assert granted_to(sidecar) == [user]


async def test_two_operators_at_once_make_one_shop(http, operator, user, applied, sql):
    sent = [http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator) for _ in range(4)]
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
    assert state(sql, user) == ("granted", "", None)
    assert sql.execute("select count(*) from homestay_business where user_id = %s", [user]).fetchone() == (1,)


async def test_what_usercenter_could_not_grant_is_granted_by_the_job(
    http, sidecar, tokens, operator, user, applied, sql
):
    del sidecar.answers["usercenter", "/internal/grantRole"]
    answer = await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator)
    assert (answer.json()["data"]["status"], answer.json()["data"]["problem"]) == ("approved", "peer-unavailable")
    assert (await own(http, tokens, user))["status"] == "waiting"
    assert sql.execute("select count(*) from homestay_business where user_id = %s", [user]).fetchone() == (0,)

    proven(sidecar)
    sidecar.calls.clear()
    tick = await http.post("/jobs/travel-approve-hosts", headers=SIDECAR_HEADERS)
    assert (tick.json(), granted_to(sidecar)) == ({"claimed": 0}, [])  # not due yet
    sql.execute("update host_application set due_at = now() where id = %s", [applied])
    tick = await http.post("/jobs/travel-approve-hosts", headers=SIDECAR_HEADERS)
    assert (tick.json(), granted_to(sidecar)) == ({"claimed": 1}, [user])
    assert state(sql, user) == ("granted", "", None)
    assert (await own(http, tokens, user))["status"] == "approved"


async def test_one_whose_role_may_be_granted_is_not_refused(http, sidecar, operator, user, applied, sql):
    """usercenter has granted it, and the answer was lost."""
    del sidecar.answers["usercenter", "/internal/grantRole"]
    await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator)
    before = rows(sql)
    refused = await http.post(f"{OPS}/hostRefuse", json={"id": applied, "note": "no"}, headers=operator)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (409, 100314, "id")
    assert rows(sql) == before

    proven(sidecar)
    again = await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator)
    assert again.json()["data"]["status"] == "granted"


@pytest.mark.parametrize("again", ["/jobs/travel-approve-hosts", f"{OPS}/hostApprove"])
async def test_what_usercenter_said_before_it_was_asked_again_does_not_count(
    http, sidecar, operator, user, applied, sql, again
):
    proven(sidecar, granted=False)
    await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator)
    assert state(sql, user) == ("approved", "", "mobile-not-proven")
    sql.execute("update host_application set due_at = now() where id = %s", [applied])

    def crash(_request):
        raise RuntimeError("the answer is lost with the process")

    sidecar.answers["usercenter", "/internal/grantRole"] = crash
    await http.post(again, json={"id": applied, "note": "why"}, headers=operator | SIDECAR_HEADERS)
    refused = await http.post(f"{OPS}/hostRefuse", json={"id": applied, "note": "no"}, headers=operator)

    assert (refused.status_code, refused.json()["code"]) == (409, 100314)
    assert state(sql, user) == ("approved", "", None)


async def test_one_whose_number_is_not_proven_any_more_can_still_be_refused(
    http, sidecar, tokens, operator, user, applied, sql
):
    proven(sidecar, granted=False)
    answer = await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator)
    assert answer.json()["data"]["problem"] == "mobile-not-proven"
    refused = await http.post(f"{OPS}/hostRefuse", json={"id": applied, "note": "请先验证手机号"}, headers=operator)
    assert refused.json()["data"]["status"] == "refused"
    assert state(sql, user) == ("refused", "请先验证手机号", None)
    sql.execute("update host_application set due_at = now() where id = %s", [applied])
    assert (await http.post("/jobs/travel-approve-hosts", headers=SIDECAR_HEADERS)).json() == {"claimed": 0}


async def test_a_refused_user_reads_why_and_may_apply_again(http, tokens, operator, user, applied, sql):
    answer = await http.post(f"{OPS}/hostRefuse", json={"id": applied, "note": " 请写清地址 "}, headers=operator)
    assert (answer.json()["data"]["status"], answer.json()["data"]["note"]) == ("refused", "请写清地址")
    assert await own(http, tokens, user) == {"status": "refused", "note": "请写清地址", **APPLY}
    act = "select operator_id, act, note from operator_act where subject = %s"
    assert sql.execute(act, [f"host-application:{applied}"]).fetchall() == [(OPERATOR, "host-refuse", "请写清地址")]

    assert (await http.post(f"{HOST}/apply", json=APPLY, headers=tokens.bearer(user))).status_code == 200
    assert state(sql, user) == ("waiting", "", None)


@pytest.mark.parametrize("name", ["hostApprove", "hostRefuse"])
async def test_a_refused_application_is_decided(http, sidecar, operator, applied, sql, name):
    await http.post(f"{OPS}/hostRefuse", json={"id": applied, "note": "no"}, headers=operator)
    before = rows(sql)
    answer = await http.post(f"{OPS}/{name}", json={"id": applied, "note": "no"}, headers=operator)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (409, 100309, "id")
    assert (rows(sql), granted_to(sidecar)) == (before, [])


async def test_a_host_is_not_refused_and_does_not_apply_again(http, tokens, operator, user, applied, sql):
    await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "why"}, headers=operator)
    before = rows(sql)
    refused = await http.post(f"{OPS}/hostRefuse", json={"id": applied, "note": "no"}, headers=operator)
    again = await http.post(f"{HOST}/apply", json=APPLY, headers=tokens.bearer(user))
    assert (refused.json()["code"], again.json()["code"]) == (100309, 100307)
    assert rows(sql) == before


async def test_applications_are_listed_by_state_newest_first(http, tokens, operator, user, applied):
    newest = (await http.post(f"{OPS}/hostList", json={"pageSize": 1}, headers=operator)).json()["data"]["list"]
    assert [each["id"] for each in newest] == [applied]
    assert (newest[0]["userId"], newest[0]["status"], newest[0]["decidedAt"]) == (user, "waiting", None)
    body = {"status": "granted", "pageSize": 100}
    granted = (await http.post(f"{OPS}/hostList", json=body, headers=operator)).json()["data"]["list"]
    assert {each["status"] for each in granted} <= {"granted"}
    below = (await http.post(f"{OPS}/hostList", json={"lastId": applied}, headers=operator)).json()["data"]["list"]
    assert all(each["id"] < applied for each in below)


@pytest.mark.parametrize("name", ["hostApprove", "hostRefuse"])
async def test_an_unknown_application_is_not_found(http, operator, sql, name):
    before = rows(sql)
    answer = await http.post(f"{OPS}/{name}", json={"id": 2**62, "note": "x"}, headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (404, 100306)
    assert rows(sql) == before


@pytest.mark.parametrize("name", ["hostApprove", "hostRefuse"])
@pytest.mark.parametrize("note", [{}, {"note": None}, {"note": " "}])
async def test_nothing_is_decided_without_a_reason(http, operator, applied, sql, name, note):
    before = rows(sql)
    answer = await http.post(f"{OPS}/{name}", json={"id": applied} | note, headers=operator)
    assert (answer.status_code, answer.json()["field"]) == (422, "note")
    assert rows(sql) == before


@pytest.mark.parametrize("name", ["hostList", "hostApprove", "hostRefuse"])
@pytest.mark.parametrize("roles", [("buyer",), ("buyer", "merchant")])
async def test_operators_alone_decide(http, tokens, applied, user, sql, name, roles):
    before = rows(sql)
    answer = await http.post(f"{OPS}/{name}", json={"id": applied, "note": "x"}, headers=tokens.bearer(user, *roles))
    assert (answer.status_code, answer.json()["code"]) == (403, 100101)
    assert rows(sql) == before


async def test_approving_wants_a_proof_of_the_last_ten_minutes(http, tokens, sidecar, applied, sql):
    before, granted = rows(sql), granted_to(sidecar)
    headers = tokens.bearer(OPERATOR, "buyer", "operator", auth_time=int(time.time()) - 660)
    refused = await http.post(f"{OPS}/hostApprove", json={"id": applied, "note": "x"}, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/reauthentication-required")
    assert (rows(sql), granted_to(sidecar)) == (before, granted)


async def test_a_host_who_was_made_by_hand_is_one(http, tokens):
    """The seeded merchant has a shop, and never applied."""
    told = await own(http, tokens, 2)
    assert (told["status"], told["shopName"]) == ("approved", "阿鹏的山水院子")
