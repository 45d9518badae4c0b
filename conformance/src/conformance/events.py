"""CloudEvents as a peer publishes them, and deliveries as daprd makes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

_numbers = count(1)


def sn(prefix: str) -> str:
    """A number of this run that no other has: `HSO…`, `PMT…` and 22 digits."""
    return f"{prefix}{datetime.now(UTC):%Y%m%d%H%M%S}{next(_numbers):08d}"


def openid() -> str:
    """Of a new guest."""
    return f"oConformance{next(_numbers):016d}"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(source: str, kind: str, subject: str, data: Any, **more: Any) -> dict[str, Any]:
    """Structured CloudEvents 1.0 as contracts/asyncapi.yaml describes them; `more` replaces or adds members."""
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": f"minsu/{source}",
        "type": kind,
        "subject": subject,
        "time": now(),
        "datacontenttype": "application/json",
        "data": data,
    } | more


def bulk(topic: str, events: Sequence[Any], keys: Sequence[str]) -> dict[str, Any]:
    """The body of a bulk delivery; entry ids are the positions."""
    return {
        "id": str(uuid4()),
        "pubsubname": "pubsub",
        "topic": topic,
        "type": "com.dapr.event.sent.bulk",
        "metadata": {"pubsubName": "pubsub"},
        "entries": [
            {
                "entryId": str(place),
                "event": each,
                "contentType": "application/cloudevents+json",
                "metadata": {"__key": key, "__topic": topic, "__partition": "0", "__offset": str(place)},
            }
            for place, (each, key) in enumerate(zip(events, keys, strict=True))
        ],
    }
