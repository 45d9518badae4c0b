"""The checks of tests/wire can fail: each departure from a contract is a finding that names it, and no value."""

import json
from dataclasses import replace

import pytest
import yaml

from tests.wire import report
from tests.wire.checks import check
from tests.wire.contracts import read_contracts
from tests.wire.exchanges import Exchange, Message, Recording

TOPIC, ROUTE = "paid-topic", "/events/paid"
PROBLEM = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "status": {"type": "integer"}, "code": {"type": "integer"}},
    "required": ["type", "status", "code"],
}
BOOK = {
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Booking"}}}},
    "responses": {
        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Booked"}}}},
        "4XX": {"content": {"application/problem+json": {"schema": PROBLEM}}},
        "500": {"content": {"application/problem+json": {"schema": PROBLEM}}},
    },
}
NAMED = {"type": "string", "pattern": "^HSO[0-9]+$"}
SCHEMAS = {
    "Booking": {"type": "object", "properties": {"nights": {"type": "integer"}}, "required": ["nights"]},
    "Booked": {
        "type": "object",
        "properties": {"sn": NAMED, "night": {"anyOf": [{"$ref": "#/components/schemas/Night"}, {"type": "null"}]}},
        "required": ["sn"],
    },
    "Night": {"type": "object", "properties": {"fen": {"type": "integer"}}},
}
DELIVERY = {
    "security": [{"sidecarToken": []}],
    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}},
}
PAID = {"type": "object", "properties": {"orderSn": NAMED}, "required": ["orderSn"], "additionalProperties": True}


@pytest.fixture(scope="module")
def contracts(tmp_path_factory):
    """A repository with one service: a public method, an internal one, a delivery."""
    repo = tmp_path_factory.mktemp("repo")
    documents = {
        "openapi/order.public.json": {"paths": {"/v1/book": {"post": BOOK}}, "components": {"schemas": SCHEMAS}},
        "openapi/order.internal.json": {"paths": {ROUTE: {"post": DELIVERY}, "/photo/{name}": {"get": BOOK}},
                                        "components": {"schemas": SCHEMAS}},
        "events/paid.v1.schema.json": PAID,
        "problems.json": [
            {"code": 100102, "slug": "not-found", "status": 404, "members": []},
            {"code": 5, "slug": "night-full", "status": 409, "members": ["night"]},
            {"code": 100001, "slug": "server-error", "status": 500, "members": []},
        ],
        "services/common.yaml": {"health": {"liveness": {"path": "/livez"}}},
        "services/gateway.yaml": {},
        "services/order.yaml": {},
        "asyncapi.yaml": {
            "channels": {"paid": {"address": TOPIC, "messages": {"paid": {"$ref": "#/components/messages/paid"}}}},
            "operations": {"payment.publish": {"action": "send", "channel": {"$ref": "#/channels/paid"}}},
            "components": {"messages": {"paid": {"name": "minsu.payment.paid.v1",
                                                 "payload": {"$ref": "./events/paid.v1.schema.json"}}}},
        },
    }  # fmt: skip
    for name, content in documents.items():
        file = repo / "contracts" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    subscription = {"spec": {"topic": TOPIC, "routes": {"default": ROUTE}}, "scopes": ["order"]}
    (repo / "dapr" / "subscriptions").mkdir(parents=True)
    (repo / "dapr" / "subscriptions" / "order.yaml").write_text(yaml.safe_dump(subscription))
    return read_contracts(repo)


def message(body, kind="application/json", has=frozenset({"dapr-api-token"}), **headers):
    return Message({"content-type": kind, **headers}, has, is_json=True, body=body, size=1)


def booking(request=None, answer=None, *, status=200, **more):
    told = message({"nights": 1} if request is None else request, **more)
    return Exchange("order", "post", "/v1/book", status, told, message({"sn": "HSO1"} if answer is None else answer))


def refusal(status=404, kind="application/problem+json", *, says=404, code=100102, slug="not-found", **more):
    problem = {"type": f"/problems/{slug}", "status": says, "code": code, **more}
    return replace(booking(status=status), answer=message(problem, kind))


def event(**more):
    return {
        "specversion": "1.0", "id": "1", "source": "minsu/payment", "type": "minsu.payment.paid.v1", "subject": "HSO1",
        "time": "2026-11-23T01:31:20Z", "datacontenttype": "application/json", "data": {"orderSn": "HSO1"}, **more,
    }  # fmt: skip


def delivery(*events, key="HSO1", statuses=None, topic=TOPIC):
    entries = [{"entryId": str(n), "event": each, "metadata": {"__key": key}} for n, each in enumerate(events)]
    told = [{"entryId": each["entryId"], "status": "SUCCESS"} for each in entries] if statuses is None else statuses
    body = {"topic": topic, "entries": entries}
    return Exchange("order", "post", ROUTE, 200, message(body), message({"statuses": told}), delivered=True)


def alone(one, status="SUCCESS"):
    return Exchange("order", "post", ROUTE, 200, message(one), message({"status": status}), delivered=True)


RIGHT = {
    "a call": booking(),
    "an optional member": booking(answer={"sn": "HSO1", "night": {"fen": 1}}),
    "a member from outside that we do not know": booking({"nights": 1, "more": 1}),
    "the same through the gateway": booking({"nights": 1, "more": 1}, **{"dapr-caller-app-id": "gateway"}),
    "a problem": refusal(),
    "a problem with a member of its own": refusal(409, says=409, code=5, slug="night-full", night="2026-11-23"),
    "a wrong request that is refused": replace(refusal(), request=message({"nights": "x"})),
    "a template": replace(booking(), method="get", path="/photo/1.jpg", request=Message()),
    "a delivery": delivery(event(), event(traceparent="00-1", pubsubname="pubsub")),
    "one event alone": alone(event(), "RETRY"),
    "an app that died": booking(status=0),
    "a caller that went": replace(booking(status=404), request=Message(whole=False), answer=Message()),
    "a probe of an app without methods": Exchange("gateway", "get", "/livez", 200, Message(), message({})),
    "a made-up call that is refused": replace(refusal(), path="/internal/x"),
}


@pytest.mark.parametrize("exchange", RIGHT.values(), ids=RIGHT)
def test_what_is_documented_is_no_finding(contracts, exchange):
    assert list(check([exchange], contracts).findings) == []


WRONG = {
    "a path": (replace(booking(), path="/v1/other"), "not documented, answered 200"),
    "a method": (replace(booking(), method="put"), "not documented, answered 200"),
    "a method of an app without methods": (
        Exchange("gateway", "get", "/console", 200, Message(), message({})), "not documented, answered 200"
    ),
    "an empty refusal": (
        replace(booking(status=404), answer=Message()),
        "answer 404: content type missing, documented: application/problem+json",
    ),
    "a delivery without a route": (
        replace(refusal(), path="/events/other", delivered=True), "not documented, answered 404"
    ),
    "a refusal that is no problem": (
        replace(refusal(kind="text/plain"), path="/internal/x"), "not documented, answered 404"
    ),
    "a member of an answer": (booking(answer={"sn": "HSO1", "more": 1}), "answer 200: (whole): has undocumented more"),
    "a member deep in an answer": (
        booking(answer={"sn": "HSO1", "night": {"fen": 1, "more": 2}}), "answer 200: night: has undocumented more"
    ),
    "a missing member": (booking(answer={}), "answer 200: (whole): lacks sn"),
    "a type": (booking(answer={"sn": 5}), "answer 200: sn: 5 against type string"),
    "a pattern": (booking(answer={"sn": "Li 8"}), "answer 200: sn: aa 9 against pattern ^HSO[0-9]+$"),
    "a status": (booking(status=201), "answer 201: the status is not declared"),
    "a server's error that is not declared": (refusal(503), "answer 503: the status is not declared"),
    "a server's error that nothing expected": (
        refusal(500, says=500, code=100001, slug="server-error"), "answer 500: an unexpected error"
    ),
    "a content type": (
        refusal(kind="application/json"),
        "answer 404: content type application/json, documented: application/problem+json",
    ),
    "an answer that is no JSON": (
        replace(booking(), answer=Message({"content-type": "application/json"}, size=4)), "answer 200: is no JSON"
    ),
    "a problem that is not listed": (
        refusal(code=5), "answer 404: not-found (5) with 404 is not in problems.json"
    ),
    "a member of a problem": (refusal(night="2026-11-23"), "answer 404: (whole): has undocumented night"),
    "a missing member of a problem": (
        refusal(409, says=409, code=5, slug="night-full"), "answer 409: night-full lacks night"
    ),
    "a problem of another status": (refusal(says=403), "answer 404: the problem says status 403"),
    "a wrong request that is taken": (booking({"nights": "one"}), "request: nights: aaa against type integer"),
    "a member that one of our services sends": (
        booking({"nights": 1, "more": 1}, **{"dapr-caller-app-id": "payment"}),
        "request: (whole): has undocumented more",
    ),
    "a delivery without the sidecar's token": (
        replace(alone(event()), request=message(event(), has=frozenset())), "request: was served without dapr-api-token"
    ),
    "a parameter": (replace(booking(), query=("page",)), "request: has undocumented page in its query"),
    "an event of an unknown version": (
        delivery(event(type="minsu.payment.paid.v9")),
        "event: type minsu.payment.paid.v9 is no message of paid-topic",
    ),
    "a member of an event": (
        delivery(event(data={"orderSn": "HSO1", "more": 1})), "event data: (whole): has undocumented more"
    ),
    "an attribute of an event": (delivery(event(more=1)), "event: has undocumented more"),
    "a missing attribute": (alone({name: each for name, each in event().items() if name != "time"}),
                            "event: lacks time", "event: time None is not in UTC"),
    "a time with an offset": (
        delivery(event(time="2026-11-23T01:31:20+08:00")), "event: time 9999-99-99a99:99:99+99:99 is not in UTC"
    ),
    "a foreign sender": (delivery(event(source="minsu/travel")), "event: source minsu/travel, sent by payment"),
    "a foreign key": (delivery(event(), key="HSO2"), "delivery: key aaa9 is not the event's orderSn"),
    "another topic": (delivery(event(), topic="other"), "delivery: topic other on the route of paid-topic"),
    "a status too few": (delivery(event(), statuses=[]), "answer: 0 statuses for 1 entries, or of others"),
    "an unknown status": (
        delivery(event(), statuses=[{"entryId": "0", "status": "OK"}]), "answer: status OK"
    ),
    "an unknown status of one event": (alone(event(), "OK"), "answer: {'status': 'aa'} is none of DROP, RETRY, SUCCESS"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_is_not_documented_is_a_finding_by_name(contracts, case):
    exchange, *what = case

    findings = list(check([exchange], contracts).findings)

    assert [each.what for each in findings] == what
    assert {each.service for each in findings} == {exchange.app}


def test_a_report_names_what_was_never_seen_and_quotes_no_value(contracts, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    half = {"headers": {"content-type": "application/json"}, "has": [], "whole": True, "bytes": 9}
    line = {"app": "order-2", "method": "POST", "path": "/v1/book", "query": [], "delivered": False, "status": 200,
            "request": {**half, "body": None, "bytes": 0},
            "answer": {**half, "body": {"value": {"sn": "13800001111", "name": "李四"}}}}  # fmt: skip
    lines = [{"lost": 0, "unreadable": {}}, {"count": 7, "samples": [line]}]
    recording = Recording.read("\n".join(map(json.dumps, lines)))
    checked = check(recording, contracts)

    text = report.keep("try", recording, checked, contracts).read_text()

    assert "7 exchanges of 1 kinds" in text
    assert "never seen: order POST /events/paid" in text
    assert "never seen: order minsu.payment.paid.v1" in text
    assert "order POST /v1/book: answer 200: sn: 99999999999 against pattern" in text
    kept = text + (tmp_path / "try.jsonl").read_text()
    assert "13800001111" not in kept
    assert "李四" not in kept
    assert [json.loads(each)["samples"] for each in (tmp_path / "try.jsonl").read_text().splitlines()] == [1, 1]
