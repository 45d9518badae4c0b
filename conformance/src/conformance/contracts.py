"""What the kit reads of contracts/: topics, messages, and the examples of every version."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from conformance import expecting
from stack.layout import REPO

CONTRACTS = REPO / "contracts"


@dataclass(frozen=True)
class Message:
    """One version of an event: its CloudEvents type, and `data` of each example."""

    topic: str
    type: str
    examples: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """`tradestate-updated.v1`, as its files begin."""
        return self.type.partition(".")[2].partition(".")[2]


def consumed(app_id: str) -> list[Message]:
    """Every version of every event that the service receives, as contracts/asyncapi.yaml says. Raises KeyError where the
    document does not hang together."""
    document = _asyncapi()
    found = []
    for name, operation in document["operations"].items():
        if name.partition(".")[0] != app_id or operation["action"] != "receive":
            continue
        channel = _resolved(operation["channel"])
        for reference in channel["messages"].values():
            kind = _resolved(reference)["name"]
            message = Message(channel["address"], kind, ())
            found.append(Message(channel["address"], kind, _examples(message.name)))
    return found


def service(app_id: str) -> dict[str, Any]:
    """contracts/services: what a service does at its sidecar; `common` for what all do."""
    document: dict[str, Any] = yaml.safe_load((CONTRACTS / "services" / f"{app_id}.yaml").read_text())
    return document


def check_event(event: Any, source: str, kind: str) -> None:
    """Raises Unmet unless it is a CloudEvent of this source and type whose data fit their schema."""
    envelope = {name: event.get(name) for name in ("specversion", "source", "type")}
    expecting.equal(
        envelope, {"specversion": "1.0", "source": f"minsu/{source}", "type": kind}, "envelope of the event"
    )
    expecting.true(event.get("id") and event.get("time"), "the event has no id or no time")
    schema = json.loads((CONTRACTS / "events" / f"{Message('', kind, ()).name}.schema.json").read_text())
    _check(event["data"], schema, f"data of {kind}")


def check_response(app_id: str, path: str, body: Any) -> None:
    """Raises Unmet unless it fits the schema of the 200 response of POST `path`."""
    document = json.loads((CONTRACTS / "openapi" / f"{app_id}.internal.json").read_text())
    schema = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    _check(body, schema | {"components": document["components"]}, f"response of {path}")


def _check(value: Any, schema: dict[str, Any], what: str) -> None:
    for error in Draft202012Validator(schema).iter_errors(value):
        raise expecting.Unmet(f"{what}: {error.json_path}: {error.message}"[:300])


def _examples(name: str) -> tuple[dict[str, Any], ...]:
    files = sorted((CONTRACTS / "events" / "examples").glob(f"{name}*.json"))
    return tuple(json.loads(file.read_text()) for file in files)


def _resolved(reference: dict[str, str]) -> dict[str, Any]:
    found = _asyncapi()
    for word in reference["$ref"].removeprefix("#/").split("/"):
        found = found[word]
    return found


@cache
def _asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    return document
