"""The operators' endpoint on a service as it runs, the same in every service: `/<service>/v1/ops/system`."""

from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request

from servicekit.activity import Tick
from servicekit.auth import Operator
from servicekit.replicas import Replica
from servicekit.schemas import ApiModel, Empty, Ok
from servicekit.system import Snapshot, System

UP = timedelta(seconds=45)


class Subscription(ApiModel):
    """`wanted`: the service reads the topic; `active`: its sidecar has subscribed to it (null: the sidecar does not
    respond)."""

    topic: str
    wanted: bool
    active: bool | None


class Component(ApiModel):
    name: str
    type: str


class SidecarState(ApiModel):
    """`problem` says why it does not respond; the rest is empty then."""

    problem: str | None
    version: str | None
    components: list[Component]


class JobState(ApiModel):
    """The last tick over all replicas. `hasCron`: the sidecar has the binding that ticks it (null: it does not respond);
    `at` null: never yet; `claimed` null: the last tick failed."""

    name: str
    has_cron: bool | None
    at: datetime | None
    seconds: float | None
    claimed: int | None
    error: str | None
    failed_at: datetime | None

    @classmethod
    def of(cls, name: str, tick: Tick | None, *, has_cron: bool | None) -> Self:
        never = dict.fromkeys(Tick.model_fields)
        return cls.model_validate({"name": name, "has_cron": has_cron, **(dict(tick) if tick else never)})


class ReceivedTopic(ApiModel):
    """The last event of the topic over all replicas: handled when, and when it had occurred; `newestAt`: when the
    newest of all that were handled had; `retriedAt`: when one was last left to the broker for another delivery."""

    topic: str
    handled_at: datetime | None
    occurred_at: datetime | None
    newest_at: datetime | None
    retried_at: datetime | None


class PublishedTopic(ApiModel):
    """`publishedAt`: when events were last given to the broker; `newestAt`: when the newest of all that were had
    occurred."""

    topic: str
    published_at: datetime
    newest_at: datetime | None


class ReplicaState(ApiModel):
    """`seenAt`: it writes every 15 seconds while it runs; `up`: it has done so in the last 45."""

    name: str
    version: str
    started_at: datetime
    seen_at: datetime
    up: bool

    @classmethod
    def of(cls, row: Replica, now: datetime) -> Self:
        up = now - row.seen_at < UP
        return cls(name=row.name, version=row.version, started_at=row.started_at, seen_at=row.seen_at, up=up)


class StuckLetters(ApiModel):
    waiting: int
    poison: int


class SystemStatus(ApiModel):
    """Of the replica that responds (`replica`), and of all as far as the database tells. `databaseProblem`: why it does
    not; `replicas` is then null, and jobs and topics are this replica's alone."""

    service: str
    replica: str
    version: str
    started_at: datetime
    database_problem: str | None
    sidecar: SidecarState
    subscriptions: list[Subscription]
    jobs: list[JobState]
    received: list[ReceivedTopic]
    published: list[PublishedTopic]
    replicas: list[ReplicaState] | None
    dead_letters: StuckLetters | None

    @classmethod
    def of(cls, service: str, found: Snapshot) -> Self:
        own, sidecar = found.own, found.sidecar
        components, active = (sidecar.components, sidecar.topics) if sidecar else ({}, frozenset[str]())
        return cls(
            service=service,
            replica=own.name,
            version=own.version,
            started_at=own.started_at,
            database_problem=found.database_problem,
            sidecar=SidecarState(
                problem=found.sidecar_problem,
                version=sidecar.version if sidecar else None,
                components=[Component(name=name, type=kind) for name, kind in sorted(components.items())],
            ),
            subscriptions=[
                Subscription(topic=each, wanted=each in found.topics, active=each in active if sidecar else None)
                for each in sorted(found.topics | active)
            ],
            jobs=[
                JobState.of(name, found.ticks.get(name), has_cron=name in components if sidecar else None)
                for name in sorted(found.jobs)
            ],
            received=[ReceivedTopic(topic=topic, **dict(last)) for topic, last in sorted(found.received.items())],
            published=[PublishedTopic(topic=topic, **dict(last)) for topic, last in sorted(found.published.items())],
            replicas=None if found.replicas is None else [ReplicaState.of(each, found.at) for each in found.replicas],
            dead_letters=None if found.dead_letters is None else StuckLetters(**found.dead_letters),
        )


async def _system(request: Request) -> System:
    system: System = request.app.state.system
    return system


@cache
def system_router(service: str) -> APIRouter:
    router = APIRouter(prefix=f"/{service}/v1/ops", tags=["operations"])

    @router.post("/system")
    async def system_status(_body: Empty, _: Operator, system: Annotated[System, Depends(_system)]) -> Ok[SystemStatus]:
        """The service as it runs: version, replicas, sidecar, subscriptions, components, last cron ticks, events."""
        return Ok(data=SystemStatus.of(service, await system.snapshot()))

    return router
