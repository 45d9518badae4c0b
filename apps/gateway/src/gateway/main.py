"""The composition root of the gateway: the only wiring."""

from typing import cast

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from gateway.assets import Assets
from gateway.catalogue_cache import CatalogueCache
from gateway.console import contents
from gateway.console.asking import Services
from gateway.console.rendering import Renderer
from gateway.console.visits import Console
from gateway.endpoints import calendars, codes, pages, photos
from gateway.endpoints.public_api import PublicApi
from gateway.forwarding import Forwarding
from gateway.limiting import AddressLimits
from gateway.peers import TravelPeer
from gateway.response_headers import ResponseHeaders
from gateway.routes import CALLBACKS, CHECKOUT
from gateway.settings import Settings
from gateway.storefront import Storefront
from servicekit import app as servicekit
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.sidecar import Sidecar


def create_app(settings: Settings, *, clock: Clock = utc_now, sidecar: Sidecar | None = None) -> FastAPI:
    sidecar = sidecar or Sidecar.of(settings, timeout_seconds=settings.answer_seconds)
    cache = CatalogueCache(seconds=settings.catalogue_cache_seconds, most_bytes=settings.catalogue_cache_bytes)
    pictures = CatalogueCache(
        seconds=settings.photo_cache_seconds, most_bytes=settings.photo_cache_bytes, lookups=photos.LOOKUPS
    )
    travel = TravelPeer(sidecar=sidecar)
    assets = Assets()
    verifier = TokenVerifier.by_invocation(sidecar)
    console = Console(
        services=Services(sidecar=sidecar),
        renderer=Renderer(assets.base),
        verifier=verifier,
        public_url=settings.public_url,
        jaeger_url=settings.jaeger_url.rstrip("/"),
        logs_url=settings.logs_url,
        acts=frozenset(contents.ACTS),
    )
    show = pages.PageRenderer(Storefront(settings, assets=assets.base), https_only=settings.https_only)
    app = servicekit.build(
        "gateway",
        settings,
        routers=[
            pages.router(show),
            codes.router,
            photos.router(travel, pictures),
            calendars.router(travel),
            *contents.routers(),
        ],
        provides=[console],
        sidecar=sidecar,
        verifier=verifier,
        clock=clock,
        max_body_bytes=settings.max_body_bytes,
        callbacks=CALLBACKS,
        objective_paths=CHECKOUT,
        documented=False,
        sidecar_only=(),
        limit=AddressLimits(settings),
    )
    app.router.routes.insert(0, PublicApi(Forwarding(sidecar, cache)))  # before all others: nearly every request is one
    app.add_middleware(ResponseHeaders, https_only=settings.https_only)
    app.mount("/static", assets)
    as_problem = cast("pages.Handler", app.exception_handlers[HTTPException])
    app.add_exception_handler(404, pages.absent(show, as_problem))
    return app
