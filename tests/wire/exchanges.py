"""What the recorder kept: exchanges by kind, a few samples of each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

JSON_TYPES = ("application/json", "application/cloudevents+json", "application/problem+json")


@dataclass(frozen=True)
class Message:
    """One half of an exchange. `body` is None with `is_json` False for what is no JSON document; texts of secrets are x."""

    headers: dict[str, str] = field(default_factory=dict)
    has: frozenset[str] = frozenset()
    whole: bool = True
    size: int = 0
    is_json: bool = False
    body: Any = None

    @classmethod
    def of(cls, read: dict[str, Any]) -> Self:
        body = read["body"]
        return cls(
            headers=read["headers"],
            has=frozenset(read["has"]),
            whole=read["whole"],
            size=read["bytes"],
            is_json=body is not None,
            body=body["value"] if body is not None else None,
        )

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Exchange:
    """A request to `app` and its answer. `status` is 0 where the app died or its caller went. `delivered`: on the path that
    only the app's own subscriptions and cron bindings know."""

    app: str
    method: str
    path: str
    status: int
    request: Message = Message()
    answer: Message = Message()
    delivered: bool = False
    query: tuple[str, ...] = ()

    @classmethod
    def of(cls, read: dict[str, Any]) -> Self:
        return cls(
            app=read["app"].partition("-")[0],  # a replica is held to the contract of its service
            method=read["method"].lower(),
            path=read["path"],
            status=read["status"],
            request=Message.of(read["request"]),
            answer=Message.of(read["answer"]),
            delivered=read["delivered"],
            query=tuple(read["query"]),
        )

    @property
    def caller(self) -> str:
        """The app whose call it was, as the sidecars say; empty for deliveries, probes and what came directly."""
        return self.request.headers.get("dapr-caller-app-id", "")


@dataclass(frozen=True)
class Kind:
    """Exchanges that differ in values alone: how many there were, and different samples of them."""

    count: int
    samples: tuple[Exchange, ...]


@dataclass(frozen=True)
class Recording:
    """`lost` exchanges were of more kinds than the recorder keeps; `unreadable` connections spoke no HTTP."""

    kinds: tuple[Kind, ...]
    lost: int
    unreadable: dict[str, int]

    @classmethod
    def read(cls, lines: str) -> Self:
        """From what the recorder's /exchanges returns."""
        head, *rest = map(json.loads, lines.splitlines())
        kinds = (Kind(each["count"], tuple(map(Exchange.of, each["samples"]))) for each in rest)
        return cls(tuple(kinds), head["lost"], head["unreadable"])

    def __iter__(self) -> Iterator[Exchange]:
        return (sample for kind in self.kinds for sample in kind.samples)

    @property
    def total(self) -> int:
        return sum(kind.count for kind in self.kinds)
