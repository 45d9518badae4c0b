"""The composition root of travel: the only place where its parts are put together."""

from fastapi import FastAPI

from servicekit import app
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.messages import Catalogue
from servicekit.sidecar import Sidecar
from travel.comments import Comments
from travel.endpoints import comment, homestay, internal, shop
from travel.homestays import Homestays
from travel.peers import Orders, Users
from travel.settings import Settings
from travel.shops import Shops


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    db = Database.of(settings)
    sidecar = sidecar or Sidecar.of(settings)
    users = Users(sidecar, timeout_seconds=settings.profiles_timeout_seconds)
    catalogue = Catalogue("travel")
    return app.build(
        "travel",
        settings,
        routers=[homestay.router, shop.router, comment.router, internal.router],
        provides=[
            Homestays(db),
            Shops(db, users, catalogue),
            Comments(db, users, Orders(sidecar), catalogue),
        ],
        sidecar=sidecar,
        verifier=verifier or TokenVerifier.by_invocation(sidecar),
        clock=clock,
        db=db,
        idempotency_keys=True,
    )
