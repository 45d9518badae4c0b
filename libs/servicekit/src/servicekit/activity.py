"""What this process has last done: cron ticks by job, events received and published by topic. In memory alone, so that it
costs no statement where it is noted; `replicas` writes it down every 15 seconds."""

import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import model_validator

from servicekit.clock import Clock
from servicekit.error_texts import error_text
from servicekit.schemas import ApiModel

NEVER = datetime.min.replace(tzinfo=UTC)


class Tick(ApiModel):
    """The last tick of a job. `claimed`: rows that it took, null where it failed; `error` and `failed_at` are of the last
    failure, which may be older than the last tick. `seconds`: how long it took."""

    at: datetime
    seconds: float
    claimed: int | None
    error: str | None
    failed_at: datetime | None


class Reception(ApiModel):
    """`handled_at`: when an event of the topic was last applied or sent to the dead letters; `occurred_at`: when that
    event occurred, `newest_at`: the newest of all that were handled; `retried_at`: when one was last left to the broker,
    to be delivered again."""

    handled_at: datetime | None = None
    occurred_at: datetime | None = None
    newest_at: datetime | None = None
    retried_at: datetime | None = None


class Publication(ApiModel):
    """`published_at`: when events of the topic were last given to the broker; `newest_at`: when the newest of all that were
    had occurred. Consumers know that moment too, by the same clock."""

    published_at: datetime
    newest_at: datetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_an_older_build(cls, stored: Any) -> Any:
        return {"published_at": stored} if isinstance(stored, str) else stored


def newest_tick(one: Tick, other: Tick) -> Tick:
    """Of a job on two replicas: the later tick, with the later failure."""
    last, before = (one, other) if one.at >= other.at else (other, one)
    if before.failed_at and (last.failed_at is None or before.failed_at > last.failed_at):
        return last.model_copy(update={"error": before.error, "failed_at": before.failed_at})
    return last


def newest_reception(one: Reception, other: Reception) -> Reception:
    """Of a topic on two replicas: the event handled later, and the later retry."""
    last = max(one, other, key=lambda each: each.handled_at or NEVER)
    retried = max(each.retried_at or NEVER for each in (one, other))
    return last.model_copy(
        update={
            "newest_at": _later(one.newest_at, other.newest_at),
            "retried_at": None if retried == NEVER else retried,
        }
    )


def newest_publication(one: Publication, other: Publication) -> Publication:
    """Of a topic on two replicas."""
    return Publication(
        published_at=max(one.published_at, other.published_at), newest_at=_later(one.newest_at, other.newest_at)
    )


class RunningTick:
    """A tick under way; the job sets `claimed`."""

    claimed: int | None = None


class Activity:
    """Of one process: `name` is its host and port, the same after a restart in place."""

    def __init__(self, clock: Clock, *, port: int, version: str) -> None:
        self._clock = clock
        self.name, self.version, self.started_at = f"{socket.gethostname()}:{port}", version, clock()
        self.ticks: dict[str, Tick] = {}
        self.received: dict[str, Reception] = {}
        self.published: dict[str, Publication] = {}

    @contextlib.contextmanager
    def tick(self, job: str) -> Iterator[RunningTick]:
        """Notes the tick that runs inside, and its error, which goes on."""
        began, running = self._clock(), RunningTick()
        before = self.ticks.get(job)
        error, failed_at = (before.error, before.failed_at) if before else (None, None)
        try:
            yield running
        except Exception as fault:
            running.claimed, failed_at = None, self._clock()
            error = error_text(fault)
            raise
        finally:
            seconds = round((self._clock() - began).total_seconds(), 3)
            self.ticks[job] = Tick(at=began, seconds=seconds, claimed=running.claimed, error=error, failed_at=failed_at)

    def handled(self, topic: str, envelopes: Sequence[Any], *, retried: bool) -> None:
        """Events of `topic` were handled, oldest first; `retried`: one or more of the delivery were left to the broker."""
        now, known = self._clock(), self.received.get(topic, Reception())
        self.received[topic] = Reception(
            handled_at=now if envelopes else known.handled_at,
            occurred_at=_time_of(envelopes[-1]) if envelopes else known.occurred_at,
            newest_at=_later(known.newest_at, *map(_time_of, envelopes)),
            retried_at=now if retried else known.retried_at,
        )

    def sent(self, topic: str, last: Any) -> None:
        """Events of `topic` were given to the broker; `last` is the envelope of the last of them."""
        known = self.published.get(topic)
        newest = _later(known.newest_at if known else None, _time_of(last))
        self.published[topic] = Publication(published_at=self._clock(), newest_at=newest)


def _later(*moments: datetime | None) -> datetime | None:
    return max((each for each in moments if each), default=None)


def _time_of(envelope: Any) -> datetime | None:
    """When the event occurred; None where its envelope does not tell."""
    text = envelope.get("time") if isinstance(envelope, Mapping) else None
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):  # no time, or one at the edge of the calendar
        return None
