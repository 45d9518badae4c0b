"""Deliveries of events: the envelope of the sidecar, the CloudEvents in it, and what the app made of each."""

import re
from collections.abc import Iterator
from typing import Any

from tests.wire.contracts import Channel
from tests.wire.exchanges import Exchange
from tests.wire.schemas import faults, masked

ATTRIBUTES = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
"""What asyncapi.yaml has every event carry."""
OF_TRACES = {"traceparent", "tracestate", "traceid"}
OF_SIDECAR = {"topic", "pubsubname"}
"""What daprd adds to an event."""
STATUSES = {"SUCCESS", "RETRY", "DROP"}
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DEAD = ".dlq"


def entries(body: Any) -> list[dict[str, Any]] | None:
    """Those of a bulk delivery; None for an event that came alone."""
    if isinstance(body, dict) and isinstance(body.get("entries"), list):
        return [each for each in body["entries"] if isinstance(each, dict)]
    return None


def check_delivery(exchange: Exchange, channel: Channel) -> Iterator[str]:
    """What is wrong with a delivery that was answered 200."""
    bulk = entries(exchange.request.body)
    if bulk is None:
        yield from _check_event(exchange.request.body, channel)
        answer = exchange.answer.body
        if not isinstance(answer, dict) or answer.get("status") not in STATUSES:
            yield f"answer: {masked(answer)} is none of {', '.join(sorted(STATUSES))}"
        return
    if exchange.request.body.get("topic") != channel.topic:
        yield f"delivery: topic {exchange.request.body.get('topic')} on the route of {channel.topic}"
    for entry in bulk:
        yield from _check_event(entry.get("event"), channel)
        yield from _check_key(entry)
    yield from _check_statuses(bulk, exchange.answer.body)


def _check_event(event: Any, channel: Channel) -> Iterator[str]:
    if channel.topic.endswith(DEAD):  # what could not be applied may be anything
        if not isinstance(event, dict):
            yield "event: a dead letter that is no object"
        return
    if not isinstance(event, dict):
        yield f"event: {masked(event)} is no CloudEvent"
        return
    yield from _check_attributes(event, channel)
    validator = channel.messages.get(str(event.get("type")))
    if validator is None:
        yield f"event: type {event.get('type')} is no message of {channel.topic}"
        return
    for fault in faults(validator, event.get("data")):
        yield f"event data: {fault}"


def _check_attributes(event: dict[str, Any], channel: Channel) -> Iterator[str]:
    if lacking := ATTRIBUTES - event.keys():
        yield f"event: lacks {', '.join(sorted(lacking))}"
    if more := event.keys() - ATTRIBUTES - OF_TRACES - OF_SIDECAR:
        yield f"event: has undocumented {', '.join(sorted(more))}"
    if event.get("specversion") != "1.0":
        yield f"event: specversion {event.get('specversion')}"
    if event.get("source") not in {f"minsu/{sender}" for sender in channel.senders}:
        yield f"event: source {event.get('source')}, sent by {', '.join(sorted(channel.senders))}"
    if not UTC_TIME.fullmatch(str(event.get("time"))):
        yield f"event: time {masked(event.get('time'))} is not in UTC"


def _check_key(entry: dict[str, Any]) -> Iterator[str]:
    """`Key = orderSn`, as each channel says."""
    key = (entry.get("metadata") or {}).get("__key")
    event = entry.get("event")
    data = event.get("data") if isinstance(event, dict) else None
    order_sn = data.get("orderSn") if isinstance(data, dict) else None
    if not key:
        yield "delivery: an entry without a key"
    elif order_sn is not None and key != order_sn:
        yield f"delivery: key {masked(key)} is not the event's orderSn"


def _check_statuses(bulk: list[dict[str, Any]], answer: Any) -> Iterator[str]:
    told = answer.get("statuses") if isinstance(answer, dict) else None
    if not isinstance(told, list):
        if not (isinstance(answer, dict) and answer.get("status") in STATUSES):
            yield f"answer: no statuses in {masked(answer)}"
        return
    if sorted(each.get("entryId") for each in told) != sorted(each["entryId"] for each in bulk):
        yield f"answer: {len(told)} statuses for {len(bulk)} entries, or of others"
    if unknown := {str(each.get("status")) for each in told} - STATUSES:
        yield f"answer: status {', '.join(sorted(unknown))}"
