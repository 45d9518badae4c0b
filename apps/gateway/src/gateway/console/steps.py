"""Puts the steps of several services into one order, with the gap before each. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

SLOW = timedelta(seconds=5)
"""A longer gap is shown as one: within it callbacks and confirmations should be done (docs/slo.md)."""
_TOLD = ("what", "number", "before", "after", "source", "detail", "fen")


@dataclass(frozen=True)
class Row:
    """One line of the timeline. `gap`: since the line before, None for the first; `event` names the one that it is about,
    as `source id`."""

    at: datetime
    service: str
    what: str
    number: str = ""
    before: str | None = None
    after: str | None = None
    source: str | None = None
    detail: str | None = None
    fen: int | None = None
    trace_id: str = ""
    gap: timedelta | None = None

    @property
    def is_slow(self) -> bool:
        return self.gap is not None and self.gap > SLOW


def of_service(service: str, steps: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The steps that a service told (`orderSteps`, `paymentSteps`, `messageSteps`)."""
    rows = []
    for step in steps:
        told: dict[str, Any] = {name: step.get(name) for name in _TOLD}
        rows.append(Row(at=_time(step["at"]), service=service, **told))
    return rows


def of_events(service: str, events: Iterable[Mapping[str, Any]]) -> list[Row]:
    """What a service wrote into its outbox, and when it was published; or why not yet."""
    rows = []
    for event in events:
        about = {"service": service, "number": event["topic"], "trace_id": event["traceId"]}
        waits = event["publishedAt"] is None
        detail = (event["lastError"] or "") if waits else None
        after = "waiting" if waits else None
        rows.append(Row(at=_time(event["createdAt"]), what="event_written", after=after, detail=detail, **about))
        if not waits:
            rows.append(Row(at=_time(event["publishedAt"]), what="event_published", **about))
    return rows


def of_receipts(service: str, taken: Iterable[Mapping[str, Any]], topics: Mapping[tuple[str, str], str]) -> list[Row]:
    """Of the events of `topics` (by source and id) those that took effect at a service."""
    return [
        Row(
            at=_time(each["receivedAt"]),
            service=service,
            what="event_taken",
            number=topics.get((each["source"], each["eventId"]), ""),
        )
        for each in taken
    ]


def of_letters(service: str, letters: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Dead letters of a service, each once, however often it is in `letters`."""
    return [
        Row(
            at=_time(letter["receivedAt"]),
            service=service,
            what="dead_letter",
            number=f"{service}:{letter['id']}",
            after=letter["state"],
            source=letter["topic"],
            detail=letter["reason"],
        )
        for letter in {each["id"]: each for each in letters}.values()
    ]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Oldest first, each with its gap."""
    ordered = sorted(rows, key=lambda row: row.at)
    if not ordered:
        return []
    gaps = [None, *(after.at - before.at for before, after in pairwise(ordered))]
    return [replace(row, gap=gap) for row, gap in zip(ordered, gaps, strict=True)]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
