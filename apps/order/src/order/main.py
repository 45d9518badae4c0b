"""The app of the order service: `Parts` behind its endpoints, jobs and subscriptions."""

from datetime import timedelta

from fastapi import FastAPI

from order import jobs
from order.endpoints import buyer, internal, merchant, operations
from order.parts import Parts
from order.settings import Settings
from order.waiting import UNFINISHED, FailedRefunds
from servicekit.app import build
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.events import bulk_routes
from servicekit.idempotency import Idempotency
from servicekit.relay import Relay
from servicekit.sidecar import Sidecar
from servicekit.upkeep import Upkeep, old_events


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    parts = Parts.of(settings, clock=clock, sidecar=sidecar)
    keys = Idempotency(parts.db, clock, keep=timedelta(days=settings.idempotency_keep_days))
    return build(
        "order",
        settings,
        routers=[
            buyer.router,
            merchant.router,
            operations.router,
            internal.router,
            jobs.router,
            bulk_routes(*parts.consumers),
        ],
        provides=[
            parts.booking,
            parts.checkin,
            parts.closing,
            parts.expiry,
            parts.lookup,
            parts.dead_letters,
            parts.refunds,
        ],
        sidecar=parts.sidecar,
        verifier=verifier or TokenVerifier.by_invocation(parts.sidecar),
        clock=clock,
        db=parts.db,
        background=[
            Relay(parts.db, parts.sidecar, keep_days=settings.outbox_keep_days),
            Upkeep(FailedRefunds(db=parts.db).measure, every_seconds=15),
            Upkeep(parts.expiry.delete_misses, keys.prune, old_events(parts.db, settings.inbox_keep_days)),
        ],
        dead_letters=parts.dead_letters,
        unfinished=[*UNFINISHED, keys.unfinished],
    )
