"""The app of the order service: `Parts` behind its endpoints, jobs and subscriptions."""

from fastapi import FastAPI

from order import jobs
from order.endpoints import buyer, inspection, internal, merchant, operations
from order.events import PUBLISHED_TOPICS
from order.parts import Parts
from order.settings import Settings
from order.waiting import UNFINISHED
from servicekit.app import build
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.events import bulk_routes
from servicekit.sidecar import Sidecar


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    parts = Parts.of(settings, clock=clock, sidecar=sidecar)
    return build(
        "order",
        settings,
        routers=[
            buyer.router,
            merchant.router,
            operations.router,
            inspection.router,
            internal.router,
            jobs.router,
            bulk_routes(*parts.consumers),
        ],
        provides=[
            parts.booking,
            parts.quoting,
            parts.checkin,
            parts.closing,
            parts.expiry,
            parts.goodwill,
            parts.lookup,
            parts.inspection,
            parts.personal_data,
            parts.dead_letters,
            parts.refunds,
            parts.statistics,
        ],
        sidecar=parts.sidecar,
        verifier=verifier or TokenVerifier.by_invocation(parts.sidecar),
        clock=clock,
        db=parts.db,
        outbox=True,
        publishes=PUBLISHED_TOPICS,
        idempotency_keys=True,
        metrics=[parts.failed_refunds.measure],
        upkeep=[parts.expiry.delete_misses],
        dead_letters=parts.dead_letters,
        direct={buyer.PREFIX + buyer.CREATE: buyer.creating(parts.booking)},
        unfinished=UNFINISHED,
    )
