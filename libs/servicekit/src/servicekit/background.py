"""What a service runs beside its requests: its own loops, and those that measure and prune servicekit's tables."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog

from servicekit import deadletters, inbox
from servicekit.activity import Activity
from servicekit.audit import Audit
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.due import Backoff
from servicekit.error_texts import error_text
from servicekit.health import Subscriptions
from servicekit.idempotency import Idempotency
from servicekit.loop import Loop, Step
from servicekit.relay import Relay
from servicekit.replicas import Replicas
from servicekit.settings import ServiceSettings
from servicekit.sidecar import Sidecar
from servicekit.stopping import stop_if_asked
from servicekit.unfinished import Ages, Unfinished

log = structlog.get_logger()

MEASURE_AFTER_SECONDS = 1.0
"""The first requests after a start come before the gauges."""
PRUNE_AFTER_SECONDS = (30.0, 90.0)
"""Replicas that start together, or restart again and again, do not prune at once."""

RESTARTS = Backoff(timedelta(seconds=1), timedelta(minutes=1))


class Background(Protocol):
    """Work beside the requests, such as a Loop: runs until it is cancelled."""

    async def run(self) -> None: ...


async def keep_running(work: Background, *, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Run `work` until it is cancelled. A fault that it lets through is logged as an error, and after a pause it begins
    anew: without its relay or its loops a service would take money and finish nothing. The pauses double from failure to
    failure; work that has run for as long as the longest pause had recovered, so the next fault is the first again.
    `monotonic` tells seconds."""
    failures, recovered = 0, RESTARTS.longest.total_seconds()
    while True:
        began = monotonic()
        try:
            await work.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the work is needed
            ended = error_text(error)
        else:
            ended = "it returned"
        stop_if_asked()
        failures = 1 if monotonic() - began >= recovered else failures + 1
        log.error("background work ended and begins anew", work=type(work).__name__, error=ended, failures=failures)
        await asyncio.sleep(RESTARTS.pause(failures).total_seconds())


def measuring(*steps: Step) -> Loop:
    """Sets gauges that are read from the database or the sidecar."""
    return Loop(*steps, name="metrics", every_seconds=15, first_after_seconds=MEASURE_AFTER_SECONDS)


def hourly(*steps: Step) -> Loop:
    """Deletes what time has made useless, in slices: short transactions hold no lock for long and meet no timeout."""
    first_after = random.uniform(*PRUNE_AFTER_SECONDS)  # noqa: S311 - spreads load, guards nothing
    return Loop(*steps, name="upkeep", every_seconds=3600, first_after_seconds=first_after)


def for_service(*, metrics: Sequence[Step], upkeep: Sequence[Step]) -> Iterator[Background]:
    """The loops of the service's own steps; none where it has no steps."""
    if metrics:
        yield measuring(*metrics)
    if upkeep:
        yield hourly(*upkeep)


def for_tables(
    db: Database,
    clock: Clock,
    settings: ServiceSettings,
    *,
    publishing_to: Sidecar | None,
    keys: Idempotency | None,
    dead_letters: DeadLetters | None,
    subscriptions: Subscriptions,
    unfinished: Sequence[Unfinished],
    activity: Activity,
    audit: Audit,
) -> Iterator[Background]:
    """The work on those of servicekit's tables that a service has. `unfinished` are the service's own states."""
    states = [*unfinished]
    if publishing_to is not None:
        yield Relay(
            db,
            publishing_to,
            gather_seconds=settings.outbox_gather_seconds,
            keep_days=settings.outbox_keep_days,
            activity=activity,
        )
    if keys is not None:
        states.append(keys.unfinished)
        yield hourly(keys.prune)
    if dead_letters is not None:
        states += deadletters.UNFINISHED
        yield measuring(dead_letters.measure, subscriptions.measure)
        yield hourly(
            partial(inbox.prune, db, keep_days=settings.inbox_keep_days),
            partial(dead_letters.forget, settings.dead_letter_keep_days),
        )
    yield measuring(Ages(db, clock, states).measure)
    replicas = Replicas(db, clock, activity)
    yield measuring(replicas.write)
    yield hourly(replicas.forget, audit.watch)
