"""The app of the notification service: `Parts` behind its endpoints, jobs and subscriptions."""

from functools import partial

from fastapi import FastAPI

from notification import jobs
from notification.endpoints import inspection, internal, operations
from notification.parts import NAME, Parts
from notification.settings import Settings
from notification.waiting import UNFINISHED
from notification.wechat.connection import Connection
from servicekit import app, secrets
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.events import bulk_routes
from servicekit.rotation import Rotation
from servicekit.sidecar import Sidecar


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
    wxma_secret: str | None = None,
    wechat: Connection | None = None,
) -> FastAPI:
    """`wxma_secret` stands for the secret store, `wechat` for the connection to the mini program's API."""
    parts = Parts.of(settings, clock=clock, sidecar=sidecar, wechat=wechat)

    rotation = Rotation(read=partial(parts.sidecar.secret, settings.secret_store, NAME), use=parts.use_secrets)

    async def take_secrets() -> None:
        rotation.begin({"wxma-secret": wxma_secret} if wxma_secret is not None else await secrets.fetch(settings, NAME))

    return app.build(
        NAME,
        settings,
        routers=[operations.router, inspection.router, internal.router, jobs.router, bulk_routes(*parts.consumers)],
        provides=[
            parts.couriers,
            parts.dead_letters,
            parts.inspection,
            parts.operations,
            parts.personal_data,
            rotation,
        ],
        sidecar=parts.sidecar,
        verifier=verifier or TokenVerifier.by_invocation(parts.sidecar),
        clock=clock,
        db=parts.db,
        background=[parts.couriers.fresh, parts.couriers.waiting, rotation.loop()],
        dead_letters=parts.dead_letters,
        unfinished=UNFINISHED,
        on_start=[take_secrets],
        on_stop=[parts.transport.close],
    )
