"""The app of travel: `Parts` behind its endpoints, jobs and subscriptions."""

import structlog
from fastapi import FastAPI

from servicekit import app
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.events import bulk_routes
from servicekit.sidecar import Sidecar
from travel import jobs
from travel.endpoints import comment, homestay, host, host_calendars, host_photos, internal, operations, shop
from travel.parts import Parts
from travel.settings import Settings
from travel.waiting import UNFINISHED

log = structlog.get_logger()


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    parts = Parts.of(settings, clock=clock, sidecar=sidecar)
    if settings.calendars_allow_local:
        log.warning(
            "foreign calendars may come by plain http and from this machine: TRAVEL_CALENDARS_ALLOW_LOCAL is on"
        )
    return app.build(
        "travel",
        settings,
        routers=[
            homestay.router,
            shop.router,
            comment.router,
            host.router,
            host_photos.router,
            host_calendars.router,
            operations.router,
            internal.router,
            jobs.router,
            bulk_routes(*parts.consumers),
        ],
        provides=[
            parts.homestays,
            parts.shops,
            parts.comments,
            parts.applications,
            parts.host_shops,
            parts.host_homestays,
            parts.host_calendar,
            parts.changes,
            parts.personal_data,
            parts.calendar_sync,
            parts.photos,
            parts.night_comparing,
            parts.availability,
            parts.searching,
            parts.dead_letters,
            parts.host_calendars,
            parts.calendar_export,
        ],
        sidecar=parts.sidecar,
        verifier=verifier or TokenVerifier.by_invocation(parts.sidecar),
        clock=clock,
        db=parts.db,
        idempotency_keys=True,
        dead_letters=parts.dead_letters,
        unfinished=UNFINISHED,
    )
