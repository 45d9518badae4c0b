"""Go's notification as operators and usercenter use it: the same paths, members, refusals and audit as Python's."""

from datetime import timedelta

import httpx
import psycopg
import pytest

from servicekit.testing import APP_TOKEN
from tests.seats.conftest import SN, TOPICS, order, state_event
from tests.support.waiting import eventually

OPS = "/notification/v1/ops"
STATE = "/events/order-state"
REFUSED = {"errcode": 43101, "errmsg": "user refuse to accept the msg"}


@pytest.fixture
def ask(service, tokens):
    def post(name, body, *roles, **more):
        headers = tokens.bearer(7, *(roles or ("operator",)), **more)
        return httpx.post(f"{service.url}{OPS}/{name}", json=body, headers=headers, timeout=20)

    return post


@pytest.fixture
def data(ask):
    def posted(name, body):
        response = ask(name, body)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert (answer["code"], answer["msg"]) == (200, "OK")
        return answer["data"]

    return posted


@pytest.fixture
def refused(service):
    """Both messages of an order were refused by the guest. Returns the id of the first."""
    service.played.orders[SN] = order()
    service.played.sends = [REFUSED] * 2
    service.bulk(STATE, state_event())
    eventually(lambda: set(service.tasks().values()) == {"refused"})
    return service.rows("select id from notification_task where kind = 'paid'")[0]["id"]


def test_the_list_shows_the_newest_first_page_by_page_and_by_state(data, refused):
    both = data("taskList", {})["list"]
    assert [task["kind"] for task in both] == ["before_arrival", "paid"]
    assert set(both[1]) == {
        *("id", "orderSn", "kind", "state", "reason", "cause", "attempts"),
        *("nextAttemptAt", "sentAt", "createdAt", "updatedAt", "version"),
    }
    shown = {name: both[1][name] for name in ("id", "orderSn", "state", "reason", "cause", "attempts", "sentAt")}
    assert shown == {
        "id": refused,
        "orderSn": SN,
        "state": "refused",
        "reason": "43101 user refuse to accept the msg",
        "cause": "user-refused",
        "attempts": 1,
        "sentAt": None,
    }
    assert data("taskList", {"lastId": both[0]["id"], "pageSize": 1})["list"] == both[1:]
    assert data("taskList", {"state": "refused", "kind": "paid", "cause": "user-refused"})["list"] == both[1:]
    assert data("taskList", {"state": "dead"})["list"] == []


def test_lists_begin_below_any_id_that_the_contract_allows(service, data, refused):
    service.deliver(f"/events/dead-letters/{TOPICS[0]}", b"no json")
    data("taskResendAll", {"state": "refused", "note": "why"})
    for name in ("taskList", "deadLetterList", "actList"):
        everything = data(name, {})["list"]
        assert everything, name
        for last_id in (2**31, 2**63 - 1):
            found = data(name, {"lastId": last_id})["list"]
            assert [each["id"] for each in found] == [each["id"] for each in everything], name


def test_a_refused_message_is_sent_again_and_the_audit_tells_by_whom(service, data, refused):
    shown = data("taskResend", {"id": refused, "note": " the guest called "})
    assert (shown["state"], shown["reason"]) == ("pending", "resend requested")
    eventually(lambda: data("taskDetail", {"id": refused})["task"]["state"] == "sent")
    detail = data("taskDetail", {"id": refused})
    assert [(each["seq"], each["outcome"], each["errcode"]) for each in detail["attempts"]] == [
        (1, "refused", 43101),
        (2, "accepted", 0),
    ]
    assert [(each["fromState"], each["toState"], each["actor"]) for each in detail["transitions"]] == [
        ("pending", "refused", "notification"),
        ("refused", "pending", "operator:7"),
        ("pending", "sent", "notification"),
    ]
    [act] = data("actList", {})["list"]
    told = {name: act[name] for name in ("operatorId", "act", "subject", "note")}
    assert told == {"operatorId": 7, "act": "resend", "subject": f"task:{refused}", "note": "the guest called"}
    steps = data("messageSteps", {"orderSn": SN})["steps"]
    mine = [each["what"] for each in steps if each["number"] in {f"paid:{refused}", f"task:{refused}"}]
    assert (mine[0], sorted(mine)) == (
        "message_planned",
        ["act", "message_planned", "message_state", "message_state", "message_state", "message_tried", "message_tried"],
    )


def test_a_selection_is_resent_and_the_rest_told(service, data, ask, refused):
    assert data("taskResendAll", {"state": "refused", "kind": "paid", "note": "why"}) == {"resent": 1, "left": 0}
    [act] = service.rows("select subject, note from operator_act")
    assert act == {"subject": "tasks:refused:paid", "note": "1 messages: why"}
    before = service.rows("select * from operator_act")
    response = ask("taskResendAll", {"state": "sent", "note": "why"})
    assert (response.status_code, response.json()["field"]) == (422, "state")
    assert service.rows("select * from operator_act") == before


def test_only_what_ended_without_delivery_is_resent(service, ask, refused):
    service.rows("update notification_task set state = 'cancelled'")
    response = ask("taskResend", {"id": refused, "note": "why"})
    assert (response.status_code, response.json()["code"], response.json()["msg"]) == (
        409,
        100602,
        "当前状态的通知不能重发",
    )
    assert ask("taskDetail", {"id": 2**63 - 1}).json()["code"] == 100601
    assert service.rows("select 1 from operator_act") == []


def test_dead_letters_are_listed_replayed_and_discarded(service, data, ask):
    path = f"/events/dead-letters/{TOPICS[0]}"
    good, bad = state_event(), state_event(9)
    service.played.orders[SN] = order()
    for body in (good, bad):
        service.deliver(path, body)
    newest, oldest = data("deadLetterList", {"state": "waiting"})["list"]
    assert (oldest["eventId"], newest["eventId"]) == (good["id"], bad["id"])
    replayed = data("deadLetterReplay", {"id": oldest["id"], "note": "why"})
    assert (replayed["stuck"], replayed["applied"], replayed["letter"]["state"]) == (1, 1, "applied")
    all_of_them = data("deadLetterReplay", {"all": True, "note": "why"})
    assert all_of_them == {"stuck": 1, "applied": 0, "poison": 1, "waiting": 0, "letter": None}
    detail = data("deadLetterDetail", {"id": newest["id"]})
    assert (detail["letter"]["state"], detail["letter"]["reason"]) == (
        "poison",
        "cannot be read: tradeState: is none that is known",
    )
    assert [each["act"] for each in detail["acts"]] == ["replay"]
    assert data("deadLetterDiscard", {"id": newest["id"], "note": "made by a test"})["state"] == "discarded"
    response = ask("deadLetterDiscard", {"id": newest["id"], "note": "again"})
    assert (response.status_code, response.json()["code"]) == (409, 100114)
    assert ask("deadLetterReplay", {"id": newest["id"], "note": "again"}).json()["code"] == 100114
    assert ask("deadLetterDetail", {"id": 999}).json()["code"] == 100113
    wanted = [{"source": "order", "eventId": each["id"]} for each in (good, bad)]
    told = data("receivedEvents", {"events": wanted})
    assert [each["eventId"] for each in told["taken"]] == [good["id"]]
    assert {each["eventId"]: each["state"] for each in told["letters"]} == {
        good["id"]: "applied",
        bad["id"]: "discarded",
    }


def test_dead_letters_are_found_by_the_number_that_their_event_names(service, data):
    path = f"/events/dead-letters/{TOPICS[0]}"
    event, other = state_event(), state_event()
    other["data"] = other["data"] | {"orderSn": "HSO2026112309302600000009"}
    for body in (event, other, b"no json, " + SN.encode()):
        service.deliver(path, body)
    unreadable, found = data("deadLetterList", {"number": SN})["list"]
    assert (found["eventId"], unreadable["source"]) == (event["id"], "unreadable")
    assert data("deadLetterList", {"number": SN, "state": "poison"})["list"] == []
    assert data("deadLetterList", {"number": SN, "lastId": unreadable["id"]})["list"] == [found]
    assert data("deadLetterList", {"number": "HSO2026112309302600000008"})["list"] == []
    assert len(data("deadLetterList", {"number": None})["list"]) == 3


def test_the_chain_over_acts_is_verified_as_python_does(service, data, refused):
    assert data("auditVerify", {})["head"] == {"seq": 0, "hash": "0" * 64}
    for kind in ("paid", "before_arrival"):
        data("taskResendAll", {"state": "refused", "kind": kind, "note": "wärum"})
    found = data("auditVerify", {})
    assert (found["verifiedSeq"], found["complete"], found["brokenSeq"], found["flaw"]) == (2, True, None, None)
    exported = {"exportedSeq": 2, "exportedHash": found["head"]["hash"]}
    assert data("auditVerify", exported)["brokenSeq"] is None
    assert data("auditVerify", exported | {"exportedHash": "0" * 64})["flaw"] == "export"
    service.rows("alter table operator_act disable trigger append_only")
    service.rows("update operator_act set note = 'another' where seq = 2")
    found = data("auditVerify", {})
    assert (found["verifiedSeq"], found["brokenSeq"], found["flaw"]) == (1, 2, "changed")


def test_an_act_is_never_changed_by_the_service_itself(service, data, refused):
    data("taskResendAll", {"state": "refused", "note": "why"})
    with psycopg.connect(service.database) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("update operator_act set note = 'another'")


def test_a_person_is_told_and_what_names_them_is_erased(service, refused):
    def call(method, body, caller="usercenter"):
        headers = {"dapr-api-token": APP_TOKEN, "dapr-caller-app-id": caller}
        return httpx.post(f"{service.url}/internal/{method}", json=body, headers=headers)

    person = {"userId": 42, "orderSns": [SN], "beforeSn": None}
    held = call("personalData", person).json()["held"]
    assert {what: len(rows) for what, rows in held.items()} == {"messages": 2, "message_attempts": 2}
    assert held["message_attempts"][0]["detail"] == "user refuse to accept the msg"
    assert held["messages"][0]["created_at"].endswith("Z")
    assert call("personalData", person, "order").status_code == 403
    erasure = person | {"operatorId": 7, "note": "asked for"}
    assert call("erasePersonalData", erasure | {"orderSns": ["HSO1"]}).json()["field"] == "orderSns.0"
    assert call("erasePersonalData", erasure).json() == {
        "rows": {"messages": 2, "message_attempts": 2},
        "openOrders": [],
    }
    assert call("erasePersonalData", erasure).json()["rows"] == {"messages": 0, "message_attempts": 0}
    notes = [row["note"] for row in service.rows("select note from operator_act order by id")]
    assert notes == ["asked for (2 messages, 2 message_attempts)", "asked for (nothing was left)"]
    assert service.rows("select 1 from notification_task where reason is not null") == []


def test_messages_of_a_year_ago_are_forgotten(service, refused):
    service.rows("update notification_task set created_at = now() - interval '366 days' where kind = 'paid'")
    assert service.tick("notification-forget-personal-data") == 1
    assert service.tasks() == {f"before_arrival {SN}": "refused"}
    assert len(service.rows("select 1 from delivery_attempt")) == 1


def test_the_service_tells_how_it_runs(service, data, refused):
    service.tick("notification-due")
    found = data("system", {})
    assert (found["service"], found["sidecar"]["version"], found["databaseProblem"]) == ("notification", "1.18.2", None)
    assert [each["up"] for each in found["replicas"]] == [True]
    assert {each["topic"] for each in found["subscriptions"] if each["wanted"] and each["active"]} == {
        *TOPICS,
        *(f"{topic}.notification.dlq" for topic in TOPICS),
    }
    assert {each["name"]: each["claimed"] for each in found["jobs"]} == {
        "notification-due": 0,
        "notification-reapply-dead-letters": None,
        "notification-forget-personal-data": None,
    }
    [received] = found["received"]
    assert (received["topic"], received["occurredAt"]) == (TOPICS[0], "2026-11-23T01:31:20.120000Z")
    assert found["deadLetters"] == {"waiting": 0, "poison": 0}


def test_operations_are_for_operators_with_a_valid_token(service, ask, tokens, refused):
    url = f"{service.url}{OPS}/taskResend"
    body = {"id": refused, "note": "why"}
    forged = {"Authorization": tokens.bearer(7, "operator")["Authorization"][:-6] + "AAAAAA"}
    assert httpx.post(url, json=body).status_code == 401
    assert httpx.post(url, json=body, headers=forged).status_code == 401
    assert ask("taskResend", body, expires_in=timedelta(minutes=-1)).status_code == 401
    assert ask("taskResend", body, generation=-1, session_id=5).status_code == 401  # both are void
    assert ask("taskResend", body, "buyer", "merchant").status_code == 403
    assert set(service.tasks().values()) == {"refused"}
    assert service.metric('security_events_total{kind="token_refused"}') == 2


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("taskList", {"pageSize": 0}, "pageSize"),
        ("taskList", {"pageSize": 101}, "pageSize"),
        ("taskList", {"pageSize": None}, "pageSize"),
        ("taskList", {"lastId": -1}, "lastId"),
        ("taskList", {"lastId": 2**63}, "lastId"),
        ("taskList", {"state": "lost"}, "state"),
        ("taskList", [], "body"),
        ("deadLetterList", {"number": "%"}, "number"),
        ("deadLetterList", {"number": ""}, "number"),
        ("taskDetail", {}, "id"),
        ("taskResend", {"id": 0, "note": "why"}, "id"),
        ("taskResend", {"id": "1", "note": "why"}, "id"),
        ("taskResend", {"id": 1.5, "note": "why"}, "id"),
        ("taskResend", {"id": 1, "note": " \t"}, "note"),
        ("taskResend", {"id": 1, "note": "a\x00b"}, "note"),
        ("messageSteps", {"orderSn": "' or 1=1 --"}, "orderSn"),
        ("receivedEvents", {"events": []}, "events"),
        ("receivedEvents", {"events": [{"source": "order"}]}, "events.0.eventId"),
        ("deadLetterReplay", {"note": "why"}, "body"),
        ("auditVerify", {"exportedSeq": 1}, "body"),
    ],
    ids=str,
)
def test_bad_input_is_named(service, ask, name, body, field):
    response = ask(name, body)
    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, 100002, field)
    assert response.headers["content-type"] == "application/problem+json"
