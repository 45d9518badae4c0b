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
    published = {each["topic"]: (status["service"], each) for status in statuses for each in status["published"]}
    rows = []
    for status in statuses:
        received = {each["topic"]: each for each in status["received"]}
        for topic in status["subscriptions"]:
            if topic["wanted"] and not topic["topic"].endswith(".dlq"):
                publisher, sent = published.get(topic["topic"], (None, {}))
                last = received.get(topic["topic"], {})
                rows.append(
                    {
                        "topic": topic["topic"],
                        "consumer": status["service"],
                        "publisher": publisher,
                        "published_at": sent.get("publishedAt"),
                        "handled_at": last.get("handledAt"),
                        "delay": _seconds(last.get("occurredAt"), last.get("handledAt")),
                        "retried_at": last.get("retriedAt"),
                        "progress": progress(sent, last, now),
                    }
                )
    return sorted(rows, key=lambda row: (row["topic"], row["consumer"]))


def progress(sent: Mapping[str, Any], received: Mapping[str, Any], now: datetime) -> Progress:
    """Of a consumer with a topic, from what `published` and `received` of the API tell of it, empty where they do not.

    What is compared is when the newest events occurred: published and handled are noted by two clocks, and a consumer is
    done with an event before its publisher has marked it.
    """
    published, handled = _moment(sent.get("publishedAt")), _moment(received.get("handledAt"))
    retried = _moment(received.get("retriedAt"))
    if retried and (handled is None or retried > handled):
        return Progress.RETRYING
    if handled is None and published is None:
        return Progress.QUIET
    if published is None or (handled is not None and _has_all(sent, received)):
        return Progress.DONE
    return Progress.BEHIND if now - published > PATIENCE else Progress.WAITING


def _has_all(sent: Mapping[str, Any], received: Mapping[str, Any]) -> bool:
    """By when they were noted where one of the two does not tell of the events themselves."""
    name = "newestAt" if sent.get("newestAt") and received.get("newestAt") else None
    return datetime.fromisoformat(received[name or "handledAt"]) >= datetime.fromisoformat(sent[name or "publishedAt"])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _seconds(begin: str | None, end: str | None) -> float | None:
    began, ended = _moment(begin), _moment(end)
    return None if began is None or ended is None else max(0.0, (ended - began).total_seconds())
