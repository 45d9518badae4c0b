"""Payment as an app: its parts (`parts.py`) behind HTTP, events and cron."""

import asyncio
from collections.abc import Mapping
from functools import partial

import httpx
import typer
from fastapi import FastAPI

from payment import jobs
from payment.endpoints import host, inspection, internal, operations, overview, third_payment, wechat_notify
from payment.events import PUBLISHED_TOPICS
from payment.parts import Parts
from payment.paying.business import BusinessType
from payment.settings import Settings
from payment.waiting import UNFINISHED
from servicekit import secrets as secret_store
from servicekit.app import build
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.events import bulk_routes
from servicekit.rotation import Rotation
from servicekit.sidecar import Sidecar


def load_app(settings: Settings) -> FastAPI:
    """`create_app` with the secrets of the store or of files. Raises SystemExit(2) where one is missing or wrong."""
    try:
        return create_app(settings, asyncio.run(secret_store.fetch(settings, "payment")))
    except secret_store.BadSecret as error:
        typer.echo(f"payment: {error}", err=True)
        raise SystemExit(2) from None


def create_app(
    settings: Settings,
    secrets: Mapping[str, str],
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
    wechat_transport: httpx.AsyncBaseTransport | None = None,
    more_business: Mapping[str, BusinessType] | None = None,
) -> FastAPI:
    """`secrets`, `wechat_transport` and `more_business` are those of `Parts.of`."""
    parts = Parts.of(
        settings,
        secrets,
        sidecar=sidecar,
        clock=clock,
        wechat_transport=wechat_transport,
        more_business=more_business,
    )
    rotation = Rotation(read=partial(parts.sidecar.secret, settings.secret_store, "payment"), use=parts.wechat.use)
    rotation.begin(secrets)
    notifications = wechat_notify.NotificationEndpoint(
        reader=parts.wechat.notifications, payments=parts.settlement, refunds=parts.refund_settlement
    )
    return build(
        "payment",
        settings,
        routers=[
            third_payment.router,
            wechat_notify.router,
            internal.router,
            operations.router,
            overview.router,
            inspection.router,
            host.router,
            jobs.router,
            bulk_routes(*parts.consumers),
        ],
        provides=[
            parts.checkout,
            parts.closing,
            parts.dead_letters,
            parts.queries,
            parts.reviews,
            parts.inspection,
            parts.personal_data,
            parts.reconciler,
            parts.payouts,
            parts.statements,
            parts.daily,
            parts.inquiry,
            parts.refunds,
            parts.submission,
            parts.approvals,
            parts.rescue,
            parts.overview,
            rotation,
        ],
        sidecar=parts.sidecar,
        verifier=verifier or TokenVerifier.by_invocation(parts.sidecar),
        clock=clock,
        db=parts.db,
        background=[
            parts.submission,
            parts.daily,
            rotation.loop(),
        ],
        outbox=True,
        publishes=PUBLISHED_TOPICS,
        idempotency_keys=True,
        upkeep=[parts.approvals.expire],
        metrics=[
            parts.open_refunds.measure,
            parts.reviews.measure,
            parts.reconciler.measure,
            parts.payouts.measure,
        ],
        dead_letters=parts.dead_letters,
        callbacks=wechat_notify.CALLBACKS,
        direct=dict.fromkeys(wechat_notify.CALLBACKS, notifications)
        | {third_payment.PREFIX + third_payment.START: third_payment.starting(parts.checkout)},
        unfinished=UNFINISHED,
        on_stop=[parts.close],
    )
