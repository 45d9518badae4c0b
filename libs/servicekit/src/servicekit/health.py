"""Probes and metrics: `/livez`, `/readyz`, `/metrics`."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, disable_created_metrics, generate_latest

from servicekit.admission import Admission
from servicekit.db import Database
from servicekit.errors import Unavailable
from servicekit.sidecar import Sidecar

disable_created_metrics()  # type: ignore[no-untyped-call]  # a time for each series: no rule reads it
MISSING = Gauge("subscription_missing", "1 where the sidecar does not read a topic that this service needs", ["topic"])


class Subscriptions:
    """Compares the topics that this service needs with those that its sidecar has subscribed to. A sidecar that started
    without one stays without it, and no other check would notice."""

    def __init__(self, sidecar: Sidecar, topics: frozenset[str]) -> None:
        self._sidecar, self._topics = sidecar, topics

    async def missing(self) -> list[str]:
        """Raises PeerUnavailable when the sidecar does not say."""
        return sorted(await self._sidecar.missing(self._topics)) if self._topics else []

    async def measure(self) -> None:
        missing = await self.missing()
        for topic in self._topics:
            MISSING.labels(topic).set(topic in missing)


def router(
    db: Database | None, sidecar: Sidecar, subscriptions: Subscriptions, places: Admission, *, full_seconds: float
) -> APIRouter:
    """`/livez`, `/readyz`, `/metrics`. `full_seconds`: how long not one place may come free while it is still ready."""
    api = APIRouter(include_in_schema=False)

    @api.get("/livez")
    async def livez() -> dict[str, str]:
        """The process answers; a database or broker outage must not get it killed or unsubscribed."""
        return {"state": "alive"}

    @api.get("/readyz")
    async def readyz() -> dict[str, str]:
        if (full := places.full_for()) > full_seconds:
            raise Unavailable(f"at capacity for {full:.0f} s: no request ends")
        if not await sidecar.is_ready():
            raise Unavailable("the sidecar does not answer")
        if missing := await subscriptions.missing():
            raise Unavailable(f"the sidecar does not read {', '.join(missing)}")
        if db is not None:
            await db.ping()
        return {"state": "ready"}

    @api.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return api
