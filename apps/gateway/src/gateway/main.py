"""The composition root of the gateway: the only wiring."""

from fastapi import FastAPI

from gateway.assets import Assets
from gateway.endpoints import codes, pages, public_api
from gateway.forwarding import Forwarding
from gateway.settings import Settings
from gateway.storefront import Storefront
from servicekit import app as servicekit
from servicekit.auth import TokenVerifier, jwks_by_invocation
from servicekit.clock import Clock, utc_now
from servicekit.settings import ServiceSettings
from servicekit.sidecar import Sidecar


def create_app(settings: ServiceSettings, *, clock: Clock = utc_now, sidecar: Sidecar | None = None) -> FastAPI:
    assert isinstance(settings, Settings)  # noqa: S101 - the command line loads our own
    sidecar = sidecar or Sidecar.of(settings, timeout_seconds=settings.answer_seconds)
    assets = Assets()
    storefront = Storefront(settings, assets=assets.base)
    app = servicekit.build(
        "gateway",
        settings,
        routers=[public_api.router(Forwarding(sidecar)), pages.router(storefront), codes.router],
        sidecar=sidecar,
        verifier=TokenVerifier(jwks_by_invocation(sidecar)),
        clock=clock,
        max_body_bytes=settings.max_body_bytes,
        sidecar_only=(),
    )
    app.router.redirect_slashes = False
    app.mount("/static", assets)
    return app
