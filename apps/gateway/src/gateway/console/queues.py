"""Events between services: what waits in each outbox, and how far each consumer is with each topic."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from fastapi.responses import Response

from gateway.console.routing import new_router
from gateway.console.statuses import all_services
from gateway.console.visits import SignedIn

router = new_router()
ACTS = ()
PUBLISHERS = ("order", "payment")
PATIENCE = timedelta(seconds=30)
"""Replicas write down every 15 seconds what they have handled."""


class Progress(StrEnum):
    """`WAITING`: something was published after the last event handled; `BEHIND`: for longer than that can take."""

    QUIET = "quiet"
    DONE = "done"
    WAITING = "waiting"
    BEHIND = "behind"
    RETRYING = "retrying"


@router.get("/console/queues")
async def queues(visit: SignedIn) -> Response:
    statuses, outboxes = await asyncio.gather(
        all_services(visit), asyncio.gather(*(visit.read(each, "outboxStatus") for each in PUBLISHERS))
    )
    told = [each.data for each in statuses if each.data is not None]
    silent = {each.service: each for each in [*statuses, *outboxes] if each.data is None}
    return visit.page(
        "queues",
        missing=list(silent.values()),
        outboxes=[each for each in outboxes if each.data is not None],
        topics=topics_of(told, datetime.now(UTC)),
        letters=[each for each in told if each["deadLetters"] is not None],
    )


def topics_of(statuses: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """A row for each topic and each of its consumers; `delay`: seconds from the last event until it was handled."""
    published = {
        each["topic"]: (status["service"], each["publishedAt"]) for status in statuses for each in status["published"]
    }
    rows = []
    for status in statuses:
        received = {each["topic"]: each for each in status["received"]}
        for topic in status["subscriptions"]:
            if topic["wanted"] and not topic["topic"].endswith(".dlq"):
                publisher, published_at = published.get(topic["topic"], (None, None))
                last = received.get(topic["topic"], {})
                rows.append(
                    {
                        "topic": topic["topic"],
                        "consumer": status["service"],
                        "publisher": publisher,
                        "published_at": published_at,
                        "handled_at": last.get("handledAt"),
                        "delay": _seconds(last.get("occurredAt"), last.get("handledAt")),
                        "retried_at": last.get("retriedAt"),
                        "progress": progress(published_at, last.get("handledAt"), last.get("retriedAt"), now),
                    }
                )
    return sorted(rows, key=lambda row: (row["topic"], row["consumer"]))


def progress(published_at: str | None, handled_at: str | None, retried_at: str | None, now: datetime) -> Progress:
    """Of a consumer with a topic; moments as in the API (ISO 8601, UTC), None where there was none."""
    published, handled, retried = _moment(published_at), _moment(handled_at), _moment(retried_at)
    if retried and (handled is None or retried > handled):
        return Progress.RETRYING
    if published is None or (handled is not None and handled >= published):
        return Progress.QUIET if handled is None else Progress.DONE
    return Progress.BEHIND if now - published > PATIENCE else Progress.WAITING


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _seconds(begin: str | None, end: str | None) -> float | None:
    began, ended = _moment(begin), _moment(end)
    return None if began is None or ended is None else max(0.0, (ended - began).total_seconds())
