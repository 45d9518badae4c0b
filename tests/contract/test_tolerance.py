"""Consumers ignore what they do not know, on every level; producers drop nothing within a version. Tried with the examples
of all versions that were ever released, on the models that the services run with, and with the answers of peers."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator
from polyfactory.factories.pydantic_factory import ModelFactory

from order import events as order_events
from order.models import NightState
from order.states import MOVES, RefundCause, RefundUpdate
from payment import events as payment_events
from payment.models import Refund, ThirdPayment
from servicekit.auth import TokenVerifier, jwks_by_invocation
from servicekit.deadletters import DeadLetters
from servicekit.errors import Problem
from servicekit.testing import Tokens
from tests.contract.documents import apps
from tests.contract.service_contracts import ASYNCAPI
from tests.support.peer_calls import CALLS, SN, sidecar_with

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
KEPT = [CONTRACTS, *sorted((CONTRACTS / "released").iterdir())]
UNKNOWN = {
    "addedLater": {"whole": 1, "part": 0.5, "text": "新", "none": None, "list": [{"deep": True}]},
    "added-number": 2**53,
}
APPS = apps()
CONSUMERS = {
    (name, consumer.topic): consumer
    for name, app in APPS.items()
    for letters in [app.state.provided.get(DeadLetters)]
    if letters
    for consumer in letters._consumers.values()
}
MOMENT = datetime(2026, 11, 23, 1, 31, 20, tzinfo=UTC)
PAYMENT_SN, REQUEST_SN = "PMT2026112309310087654321", "RFR2026112309402611223344"


MAPS = {"held", "rows"}
"""Members that are maps: their names are data, such as the kinds of what is held of a person."""


def with_unknown(value):
    """The same with unknown members in every object."""
    if isinstance(value, dict):
        return {name: each if name in MAPS else with_unknown(each) for name, each in value.items()} | UNKNOWN
    return [with_unknown(each) for each in value] if isinstance(value, list) else value


def whole_as_fractions(value):
    """Whole numbers as some languages write them: `1.0`."""
    if isinstance(value, dict):
        return {name: whole_as_fractions(each) for name, each in value.items()}
    if isinstance(value, list):
        return [whole_as_fractions(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def examples_of(topic):
    """Example files of every message of a topic, of every release."""
    [channel] = [each for each in ASYNCAPI["channels"].values() if each["address"] == topic]
    messages = [
        ASYNCAPI["components"]["messages"][each["$ref"].rpartition("/")[2]] for each in channel["messages"].values()
    ]
    names = [Path(each["payload"]["$ref"]).name.removesuffix(".schema.json") for each in messages]
    return [
        file for kept in KEPT for name in names for file in sorted((kept / "events/examples").glob(f"{name}.*json"))
    ]


TAKEN = [
    pytest.param(consumer, file, id=f"{name} {file.parents[2].name} {file.stem}")
    for (name, topic), consumer in CONSUMERS.items()
    for file in examples_of(topic)
]


def envelope(data, **more):
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "minsu/x",
        "type": "x",
        "time": "2026-11-23T01:31:20Z",
        "data": data,
    } | more


def test_every_consumer_of_the_contract_is_tried():
    received = {
        (name.partition(".")[0], ASYNCAPI["channels"][each["channel"]["$ref"].rpartition("/")[2]]["address"])
        for name, each in ASYNCAPI["operations"].items()
        if each["action"] == "receive" and name.partition(".")[0] in APPS
    }
    assert CONSUMERS.keys() == received
    assert len(TAKEN) >= 2 * 20


@pytest.mark.parametrize(("consumer", "file"), TAKEN)
def test_a_consumer_reads_every_version_and_ignores_what_it_does_not_know(consumer, file):
    example = json.loads(file.read_text())

    plain = consumer.read(envelope(example))
    more = consumer.read(envelope(with_unknown(example), **UNKNOWN, topic="t", pubsubname="pubsub", traceid=""))

    assert more.data == plain.data
    assert set(plain.data.model_dump()) > set()
    assert consumer.read(envelope(whole_as_fractions(example))).data == plain.data


def payment(**given):
    return ThirdPayment(
        sn=PAYMENT_SN, order_sn=SN, service_type="homestayOrder", total_fen=19900, pay_time=MOMENT, **given
    )


def published():
    """Every event that is published, in each of its states, by type and member of state."""
    for status, refunded, version in ((1, 0, 2), (1, 9950, 3), (2, 19900, 4)):
        row = payment(pay_status=status, refunded_fen=refunded, version=version)
        yield payment_events.pay_status_updated(row, lambda: MOMENT)
    refund = Refund(request_sn=REQUEST_SN, order_sn=SN, payment_sn=PAYMENT_SN, refund_fen=1)
    yield payment_events.refund_failed(refund, "homestayOrder", lambda: MOMENT)
    for was, targets in MOVES.items():
        for to in targets:
            yield order_events.trade_state_updated(SN, was, to, version=2, changed_at=MOMENT)
    for cause in RefundCause:
        yield order_events.refund_requested(
            SN, request_sn=REQUEST_SN, payment_sn=PAYMENT_SN, refund_fen=1, cause=cause, reason="", requested_at=MOMENT
        )
    for update in RefundUpdate:
        for cause in (*RefundCause, None):
            yield order_events.refund_updated(
                SN, update, payment_sn=PAYMENT_SN, refund_fen=1, cause=cause, changed_at=MOMENT
            )
    yield order_events.nights_updated(SN, 7, [NightState(date(2026, 12, 5), 1, 2, 3)], changed_at=MOMENT)


def members(schema, place=""):
    """Every member that a schema names, `nights.taken` for one of an object in a list."""
    for name, each in schema.get("properties", {}).items():
        yield f"{place}{name}"
        yield from members(each.get("items", each), f"{place}{name}.")


def told(data, place=""):
    if isinstance(data, list):
        for each in data:
            yield from told(each, place)
    elif isinstance(data, dict):
        for name, each in data.items():
            yield f"{place}{name}"
            yield from told(each, f"{place}{name}.")


def missing(data, schema):
    return sorted(set(members(schema)) - set(told(data)))


def test_every_message_that_is_sent_is_tried():
    sent = {
        ASYNCAPI["components"]["messages"][each["$ref"].rpartition("/")[2]]["name"]
        for operation in ASYNCAPI["operations"].values()
        if operation["action"] == "send"
        for each in operation.get("messages")
        or ASYNCAPI["channels"][operation["channel"]["$ref"].rpartition("/")[2]]["messages"].values()
    }
    assert {event.type for event in published()} == sent


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_a_producer_drops_no_member_of_its_version_and_of_none_before(kept):
    """A build that drops one is refused even where the schema calls the member optional."""
    for event in published():
        name = event.type.partition(".")[2].partition(".")[2]
        stem, _, version = name.rpartition(".v")
        for before in range(1, int(version) + 1):
            file = kept / "events" / f"{stem}.v{before}.schema.json"
            if file.exists():
                schema = json.loads(file.read_text())
                Draft202012Validator(schema).validate(event.data)
                assert missing(event.data, schema) == [], (event.type, before)


def test_a_member_that_is_dropped_is_seen():
    schema = json.loads((CONTRACTS / "events/nights-updated.v1.schema.json").read_text())
    event = next(each for each in published() if each.type.endswith("nights-updated.v1"))
    [night] = event.data["nights"]

    assert missing({**event.data, "nights": [{**night, "stock": 1}]}, schema) == []
    del night["stock"]
    assert missing(event.data, schema) == ["nights.stock"]


APART = {
    ("gateway", "travel", "photoFile"),
    ("gateway", "travel", "exportedCalendar"),
    ("servicekit", "usercenter", "jwks"),
}
"""Two answer a file; keys are what `test_a_verifier_…` is about."""
FITTING = {"cancelPolicy": "flexible", "daysAhead": 30, "rowType": 0, "sn": SN, "orderSn": SN}
"""Values that a caller looks at, where the callee's own model takes any number or text."""


class Answers(ModelFactory[Any]):
    __is_base_factory__ = True
    __random_seed__ = 1

    @classmethod
    def get_provider_map(cls):
        return super().get_provider_map() | {datetime: lambda: MOMENT}


def answer(callee, method):
    """One that the callee's own endpoint could give."""
    [route] = [each for each in iter_route_contexts(APPS[callee].routes) if each.path == f"/internal/{method}"]
    made = Answers.create_factory(route.response_model).build()
    return fitting(json.loads(made.model_dump_json(by_alias=True)))


def fitting(value):
    if isinstance(value, dict):
        return {name: FITTING.get(name, fitting(each)) for name, each in value.items()}
    return [fitting(each) for each in value] if isinstance(value, list) else value


async def outcome(call, body):
    """What the caller makes of an answer, as text: its result, or why it refuses what it read."""
    try:
        return repr(await call(sidecar_with(httpx.Response(200, json=body))))
    except Problem as error:
        return f"{error.slug}: {error}"


@pytest.mark.parametrize("asked", [each for each in CALLS if each not in APART], ids=" ".join)
async def test_a_caller_ignores_what_it_does_not_know_of_an_answer(asked):
    body = answer(*asked[1:])
    plain = await outcome(CALLS[asked], body)

    assert "cannot be read" not in plain
    assert await outcome(CALLS[asked], with_unknown(body)) == plain


async def test_a_verifier_ignores_what_it_does_not_know_of_a_key():
    """RFC 7517 §4: members of any type, such as `key_ops`, `x5c`."""
    tokens = Tokens()
    keys = with_unknown({"keys": [tokens.jwk | {"key_ops": ["verify"]}]})
    verifier = TokenVerifier(jwks_by_invocation(sidecar_with(httpx.Response(200, json=keys))))

    assert (await verifier.principal(tokens.bearer(7)["Authorization"])).user_id == 7
