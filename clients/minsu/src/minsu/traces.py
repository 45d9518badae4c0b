"""The traces of one order, payment or refund, from the query API of Jaeger."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from minsu.errors import CommandFailed

PATIENCE_SECONDS = 30.0
ATTRIBUTES = {"HSO": "minsu.order_sn", "PMT": "minsu.payment_sn", "RFD": "minsu.refund_sn"}
"""The attribute that holds a number, by the number's prefix."""
MOST_TRACES = 200


@dataclass(frozen=True)
class Span:
    """Times in microseconds, `started_at` since 1970. `links`: (trace id, span id) of what it works on, not its parent."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    started_at: int
    duration: int
    links: tuple[tuple[str, str], ...]
    error: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Trace:
    trace_id: str
    spans: tuple[Span, ...]

    @property
    def started_at(self) -> int:
        return min(span.started_at for span in self.spans)

    @property
    def duration(self) -> int:
        """Microseconds from its first span's start to its last one's end."""
        return max(span.started_at + span.duration for span in self.spans) - self.started_at

    def in_order(self) -> list[tuple[int, Span]]:
        """(depth, span): children under their parent, by their start. A span whose parent was not kept is a root."""
        known = {span.span_id for span in self.spans}
        children: dict[str, list[Span]] = {}
        for span in sorted(self.spans, key=lambda one: one.started_at):
            children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
        ordered: list[tuple[int, Span]] = []
        rest = [(0, span) for span in reversed(children.get("", []))]
        while rest:
            depth, span = rest.pop()
            ordered.append((depth, span))
            rest += [(depth + 1, child) for child in reversed(children.get(span.span_id, []))]
        return ordered

    def as_json(self) -> dict[str, Any]:
        return {
            "trace_id": self.trace_id,
            "started_at": self.started_at,
            "duration": self.duration,
            "spans": [asdict(span) for _, span in self.in_order()],
        }


class Jaeger:
    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False, transport=transport)

    def of(self, sn: str) -> list[Trace]:
        """Oldest first: the traces that name `sn`, and those of the numbers that stand beside it in a span.

        Raises CommandFailed when there is none, or Jaeger cannot be asked.
        """
        if sn[:3] not in ATTRIBUTES:
            raise CommandFailed(f"{sn} is not a number of an order (HSO…), a payment (PMT…) or a refund (RFD…)")
        services = self._services()
        found = self._naming([sn], services)
        beside = {number for trace in found.values() for number in _beside(sn, trace.spans)}
        found |= self._naming(beside, services)
        if not found:
            raise CommandFailed(
                f"no trace of {sn} at {self._url}",
                "spans arrive some seconds after the fact; a sampled system keeps only some, and Jaeger the newest",
            )
        return sorted(found.values(), key=lambda trace: trace.started_at)

    def _services(self) -> list[str]:
        """Those whose spans name our numbers: apps, not their sidecars."""
        return sorted(name for name in self._get("/api/services", {}) or [] if not name.endswith("-daprd"))

    def _naming(self, numbers: Iterable[str], services: list[str]) -> dict[str, Trace]:
        found: dict[str, Trace] = {}
        for number in sorted(numbers):
            tags = json.dumps({ATTRIBUTES[number[:3]]: number})
            for service in services:
                asked = {"service": service, "tags": tags, "limit": str(MOST_TRACES)}
                found |= {each["traceID"]: _trace(each) for each in self._get("/api/traces", asked) or []}
        return found

    def _get(self, path: str, asked: dict[str, str]) -> Any:
        try:
            response = self._http.get(path, params=asked)
            content = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise CommandFailed(
                f"no Jaeger at {self._url}: {error or type(error).__name__}", "start it with `make up OBS=1`"
            ) from None
        if not response.is_success:
            raise CommandFailed(f"Jaeger refused: HTTP {response.status_code} {json.dumps(content.get('errors'))}")
        return content["data"]


def _beside(sn: str, spans: Iterable[Span]) -> set[str]:
    """The other numbers of the spans that name `sn`: an order's payments, a refund's payment."""
    numbers = [[span.attributes.get(name) for name in ATTRIBUTES.values()] for span in spans]
    return {str(one) for each in numbers if sn in each for one in each if one is not None and one != sn}


def _trace(told: dict[str, Any]) -> Trace:
    names = {key: process["serviceName"] for key, process in told["processes"].items()}
    return Trace(told["traceID"], tuple(_span(each, names) for each in told["spans"]))


def _span(told: dict[str, Any], services: dict[str, str]) -> Span:
    references = [(one["refType"], one["traceID"], one["spanID"]) for one in told.get("references") or []]
    own = told["traceID"]
    parents = [span for kind, trace, span in references if kind == "CHILD_OF" and trace == own]
    attributes = {one["key"]: one["value"] for one in told.get("tags") or []}
    return Span(
        trace_id=own,
        span_id=told["spanID"],
        parent_id=parents[0] if parents else "",
        service=services[told["processID"]],
        name=told["operationName"],
        started_at=told["startTime"],
        duration=told["duration"],
        links=tuple((trace, span) for kind, trace, span in references if kind == "FOLLOWS_FROM"),
        error=_error(attributes),
        attributes=attributes,
    )


def _error(attributes: dict[str, Any]) -> str:
    if attributes.get("error") is not True and attributes.get("otel.status_code") != "ERROR":
        return ""
    return str(attributes.get("otel.status_description") or attributes.get("error.type") or "error")
