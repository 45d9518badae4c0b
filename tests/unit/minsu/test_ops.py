"""What `minsu ops` asks of which service, and what it makes of the answers."""

import json

import pytest
from typer.testing import CliRunner

from gateway.routes import PUBLIC
from minsu import ops, ops_cli
from minsu.api import Api
from minsu.errors import CommandFailed
from tests.unit.minsu.conftest import ok

LETTER = {
    "id": 7,
    "topic": "t",
    "source": "s",
    "eventId": "e",
    "state": "poison",
    "reason": "why",
    "note": None,
    "attempts": 1,
    "receivedAt": "2026-11-23T01:00:00Z",
    "nextAttemptAt": None,
    "endedAt": None,
}


@pytest.fixture
def api(world):
    with Api("http://minsu", transport=world.transport) as api:
        yield api


def path(service, name):
    return f"/{service}/v1/ops/{name}"


def test_the_services_are_those_whose_endpoints_the_gateway_routes():
    def offering(name):
        return {route.app_id for route in PUBLIC if route.path.endswith(f"/ops/{name}")}

    assert set(ops.SERVICES) == offering("deadLetterList")
    assert set(ops.WITH_OUTBOX) == offering("outboxStatus")
    assert set(ops.WITH_ACTS) == offering("actList") == offering("auditVerify")


def test_dead_letters_of_all_services_have_ids_that_name_the_service(world, api):
    for service in ops.SERVICES:
        world.answers[path(service, "deadLetterList")] = lambda _: ok({"list": [LETTER]})
    found = ops.dead_letters(api, service=None, state="poison", count=5)
    assert [each["id"] for each in found] == [f"{service}:7" for service in ops.SERVICES]
    assert [body for _, body, _ in world.asked] == [{"state": "poison", "lastId": 0, "pageSize": 5}] * len(ops.SERVICES)


def test_dead_letters_of_one_order_are_found_by_its_number(world, api):
    for service in ops.SERVICES:
        world.answers[path(service, "deadLetterList")] = lambda _: ok({"list": []})
    number = "HSO2026112309302612345678"
    assert ops.dead_letters(api, service=None, state=None, count=5, number=number) == []
    assert [body for _, body, _ in world.asked] == [{"number": number, "lastId": 0, "pageSize": 5}] * len(ops.SERVICES)


def test_pages_are_followed_until_one_is_not_full(world, api):
    pages = {0: [LETTER | {"id": 300 - n} for n in range(100)], 201: [LETTER | {"id": 200}]}
    world.answers[path("order", "deadLetterList")] = lambda body: ok({"list": pages[body["lastId"]]})
    found = ops.dead_letters(api, service="order", state=None, count=1000)
    assert [found[0]["id"], found[-1]["id"], len(found)] == ["order:300", "order:200", 101]


@pytest.mark.parametrize("letter", ["7", "order:", "order:x", "usercenter:7", "order:-1", "order:٧", ":7", ""])
def test_a_wrong_id_sends_no_request(world, api, letter):
    with pytest.raises(CommandFailed) as failed:
        ops.replay(api, letter, "why")
    assert failed.value.hint
    assert world.asked == []


def test_an_unknown_service_sends_no_request(world, api):
    with pytest.raises(CommandFailed):
        ops.dead_letters(api, service="usercenter", state=None, count=1)
    with pytest.raises(CommandFailed):
        ops.replay_all(api, "usercenter", "why")
    assert world.asked == []


def test_a_letter_is_replayed_where_it_lies(world, api):
    answer = {"stuck": 1, "applied": 1, "poison": 0, "waiting": 0, "letter": LETTER | {"state": "applied"}}
    world.answers[path("payment", "deadLetterReplay")] = lambda _: ok(answer)
    assert ops.replay(api, "payment:7", "fixed") == {"id": "payment:7", "state": "applied", "reason": "why"}
    assert [(asked, body) for asked, body, _ in world.asked] == [
        (path("payment", "deadLetterReplay"), {"id": 7, "note": "fixed"})
    ]


def test_replaying_all_sums_up_by_service(world, api):
    answer = {"stuck": 3, "applied": 2, "poison": 1, "waiting": 0, "letter": None}
    for service in ops.SERVICES:
        world.answers[path(service, "deadLetterReplay")] = lambda _: ok(answer)
    assert ops.replay_all(api, None, "why")[0] == {
        "service": "order",
        "stuck": 3,
        "applied": 2,
        "poison": 1,
        "waiting": 0,
    }
    assert [body for _, body, _ in world.asked] == [{"all": True, "note": "why"}] * len(ops.SERVICES)


def test_a_letter_is_discarded_with_its_note(world, api):
    world.answers[path("order", "deadLetterDiscard")] = lambda body: ok(
        LETTER | {"state": "discarded", "note": body["note"]}
    )
    assert ops.discard(api, "order:7", "a test") == {"id": "order:7", "state": "discarded", "note": "a test"}


def test_an_account_is_shown_and_released_by_its_mobile(world, api):
    for name in ("accountDetail", "accountRelease"):
        world.answers[path("usercenter", name)] = lambda body: ok({"mobile": body["mobile"]})
    assert ops.account(api, "13800000001") == {"mobile": "13800000001"}
    assert ops.release(api, "13800000001", "why") == {"mobile": "13800000001"}
    assert [body for _, body, _ in world.asked] == [
        {"mobile": "13800000001"},
        {"mobile": "13800000001", "note": "why"},
    ]


def test_acts_are_those_of_usercenter_too(world, api):
    for service in ops.WITH_ACTS:
        world.answers[path(service, "actList")] = lambda _: ok({"list": [{"id": 1}]})
    found = ops.acts(api, service=None, count=5)
    assert [each["service"] for each in found] == [*ops.SERVICES, "usercenter"]


def test_all_messages_of_a_cause_are_resent_part_by_part(world, api):
    parts = iter([{"resent": 500, "left": 20}, {"resent": 20, "left": 0}])
    world.answers[path("notification", "taskResendAll")] = lambda _: ok(next(parts))
    done = ops.resend_all(api, state="invalid", cause="invalid-template", kind=None, note="why")
    assert done == {"resent": 520, "left": 0}
    assert [body for _, body, _ in world.asked] == [
        {"state": "invalid", "cause": "invalid-template", "note": "why"}
    ] * 2


def test_messages_that_cannot_be_resent_now_are_not_asked_for_for_ever(world, api):
    world.answers[path("notification", "taskResendAll")] = lambda _: ok({"resent": 0, "left": 3})
    assert ops.resend_all(api, state="dead", cause=None, kind="paid", note="why") == {"resent": 0, "left": 3}
    assert [body for _, body, _ in world.asked] == [{"state": "dead", "kind": "paid", "note": "why"}]


def test_a_failed_refund_is_asked_for_again_with_its_note(world, api):
    world.answers[path("order", "refundAskAgain")] = lambda _: ok({"sn": "HSO1", "refundState": "agreed"})
    assert ops.ask_refund_again(api, "HSO1", "guest called") == {"sn": "HSO1", "refundState": "agreed"}
    assert [body for _, body, _ in world.asked] == [{"sn": "HSO1", "note": "guest called"}]


def test_requests_to_become_a_host_are_listed_and_decided(world, api):
    row = {"id": 4, "status": "waiting", "shopName": "n"}
    world.answers[path("travel", "hostList")] = lambda _: ok({"list": [row]})
    world.answers[path("travel", "hostApprove")] = lambda _: ok(row | {"status": "granted"})
    world.answers[path("travel", "hostRefuse")] = lambda _: ok(row | {"status": "refused", "note": "why"})
    assert ops.hosts(api, status="waiting", count=5) == [row]
    assert ops.hosts(api, status=None, count=5) == [row]
    assert ops.approve_host(api, 4, "licence seen")["status"] == "granted"
    assert ops.refuse_host(api, 4, "why")["note"] == "why"
    assert [(asked, body) for asked, body, _ in world.asked] == [
        (path("travel", "hostList"), {"status": "waiting", "lastId": 0, "pageSize": 5}),
        (path("travel", "hostList"), {"lastId": 0, "pageSize": 5}),
        (path("travel", "hostApprove"), {"id": 4, "note": "licence seen"}),
        (path("travel", "hostRefuse"), {"id": 4, "note": "why"}),
    ]


def test_a_days_differences_are_read_without_reconciling(world, api):
    world.answers[path("payment", "reconciliationRun")] = lambda _: ok({"date": "2026-11-22", "state": "done"})
    world.answers[path("payment", "reconciliationList")] = lambda _: ok({"list": [{"id": 3, "kind": "amount"}]})
    found = ops.differences(api, "2026-11-22", kind="amount", count=50)
    assert found == {"run": {"date": "2026-11-22", "state": "done"}, "differences": [{"id": 3, "kind": "amount"}]}
    assert [(asked, body) for asked, body, _ in world.asked] == [
        (path("payment", "reconciliationRun"), {"date": "2026-11-22"}),
        (
            path("payment", "reconciliationList"),
            {"date": "2026-11-22", "kind": "amount", "lastId": 0, "pageSize": 50},
        ),
    ]


def test_a_message_is_shown_with_its_attempts_and_history(world, monkeypatch):
    found = {
        "task": {"id": 5, "state": "dead", "orderSn": "HSO1"},
        "attempts": [
            {"seq": 1, "outcome": "failed", "errcode": 45009, "detail": "quota", "startedAt": "T1", "endedAt": None}
        ],
        "transitions": [
            {"createdAt": "T2", "fromState": "pending", "toState": "dead", "reason": "gave up", "actor": "notification"}
        ],
    }
    world.answers[path("notification", "taskDetail")] = lambda _: ok(found)
    monkeypatch.setattr(ops_cli, "operator", lambda: Api("http://minsu", transport=world.transport))
    runner = CliRunner()

    assert runner.invoke(ops_cli.app, ["task", "5"]).stdout.splitlines() == [
        "id       5",
        "state    dead",
        "orderSn  HSO1",
        "attempts",
        "1\tfailed\t45009\tquota\tT1\t–",
        "transitions",
        "T2\tpending\tdead\tgave up\tnotification",
    ]
    assert json.loads(runner.invoke(ops_cli.app, ["task", "5", "--json"]).stdout) == found
    assert [body for _, body, _ in world.asked] == [{"id": 5}] * 2
