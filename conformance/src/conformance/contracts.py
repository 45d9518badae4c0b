"""What the kit reads of contracts/: topics, messages, and the examples of every version."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

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
