"""Probes and metrics: `/livez`, `/readyz`, `/metrics`."""

from collections.abc import Collection

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, disable_created_metrics, generate_latest

from servicekit.admission import Admission
from servicekit.db import Database
from servicekit.errors import Unavailable
from servicekit.sidecar import Sidecar

disable_created_metrics()  # type: ignore[no-untyped-call]  # a time for each series: no rule reads it
MISSING = Gauge("subscription_missing", "1 where the sidecar does not read a topic that this service needs", ["topic"])
READY = Gauge("service_ready", "1 where this replica is ready, as `/readyz` says")


class Subscriptions:
    """Compares the topics that this service needs with those that its sidecar has subscribed to. A sidecar that started
    without one stays without it, and no other check would notice."""

    def __init__(self, sidecar: Sidecar, topics: frozenset[str]) -> None:
        self._sidecar, self._topics = sidecar, topics

    async def missing(self) -> list[str]:
        """Raises PeerUnavailable when the sidecar does not say."""
        return sorted(await self._sidecar.missing(self._topics)) if self._topics else []

    async def measure(self) -> None:
        """A sidecar that does not say reads none. Raises PeerUnavailable then."""
        missing: Collection[str] = self._topics
        try:
            missing = await self.missing()
        finally:
            for topic in self._topics:
                MISSING.labels(topic).set(topic in missing)


class Readiness:
    """Whether this replica can serve. `full_seconds`: how long not one place may come free while it is still ready."""

    def __init__(
        self,
        db: Database | None,
        sidecar: Sidecar,
        subscriptions: Subscriptions,
        places: Admission,
        *,
        full_seconds: float,
    ) -> None:
        self._db, self._sidecar, self._subscriptions = db, sidecar, subscriptions
        self._places, self._full_seconds = places, full_seconds

    async def check(self) -> None:
        """Raises Unavailable, which says what is missing."""
        if (full := self._places.full_for()) > self._full_seconds:
            raise Unavailable(f"at capacity for {full:.0f} s: no request ends")
        if not await self._sidecar.is_ready():
            raise Unavailable("the sidecar does not answer")
        if missing := await self._subscriptions.missing():
            raise Unavailable(f"the sidecar does not read {', '.join(missing)}")
        if self._db is not None:
            await self._db.ping()

    async def measure(self) -> None:
        """Sets the gauge: Prometheus reads `/metrics`, which responds whatever is missing. Raises as `check` does."""
        is_ready = False
        try:
            await self.check()
            is_ready = True
        finally:
            READY.set(is_ready)


def router(readiness: Readiness) -> APIRouter:
    """`/livez`, `/readyz`, `/metrics`."""
    api = APIRouter(include_in_schema=False)

    @api.get("/livez")
    async def livez() -> dict[str, str]:
        """The process answers; a database or broker outage must not get it killed or unsubscribed."""
        return {"state": "alive"}

    @api.get("/readyz")
    async def readyz() -> dict[str, str]:
        await readiness.check()
        return {"state": "ready"}

    @api.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return api
