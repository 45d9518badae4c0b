"""The composition of a service: one call in each service's `main.py` gives it all that is not its business."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.types import ASGIApp

from servicekit import admission, health, problems, saturation, stopping, unknown
from servicekit.activity import Activity
from servicekit.audit import Audit
from servicekit.audit_api import audit_router
from servicekit.auth import TokenVerifier
from servicekit.background import Background, for_service, for_tables, keep_running, measuring
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.deliveries import OwnDeliveries, Unwrapping
from servicekit.direct import Direct
from servicekit.errors import Problem
from servicekit.event_history import EventHistory
from servicekit.event_history_api import event_history_router
from servicekit.events import direct_deliveries
from servicekit.health import Readiness, Subscriptions
from servicekit.idempotency import Idempotency
from servicekit.jobs import jobs_of
from servicekit.loop import Step
from servicekit.messages import Catalogue
from servicekit.middleware import SIDECAR_ONLY, Gatekeeper, Limit, duration_of
from servicekit.operations import Operations
from servicekit.operations_api import operations_router
from servicekit.rate_limits import Counts, RateLimit
from servicekit.relay import PUBLISHED
from servicekit.replicas import Replicas
from servicekit.schemas import ProblemDetails
from servicekit.settings import ServiceSettings
from servicekit.sidecar import Sidecar
from servicekit.storable import refuse_unstorable
from servicekit.system import System
from servicekit.system_api import system_router
from servicekit.unfinished import Unfinished

log = structlog.get_logger()
T = TypeVar("T")
FAILURES = (500, 502, 503)
"""The statuses of ours that say: the request was good, and we could not serve it."""


def provided(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """`Annotated[Checkout, Depends(provided(Checkout))]`: the instance that `main.py` wired.

    A coroutine though it waits for nothing: FastAPI runs a plain function in a thread, which costs more than the request.
    """

    async def of_request(request: Request) -> T:
        instance: T = request.app.state.provided[kind]
        return instance

    return of_request


def build(
    name: str,
    settings: ServiceSettings,
    *,
    routers: Sequence[APIRouter],
    provides: Sequence[object] = (),
    sidecar: Sidecar,
    verifier: TokenVerifier,
    clock: Clock,
    db: Database | None = None,
    background: Sequence[Background] = (),
    outbox: bool = False,
    publishes: Sequence[str] = (),
    idempotency_keys: bool = False,
    dead_letters: DeadLetters | None = None,
    metrics: Sequence[Step] = (),
    upkeep: Sequence[Step] = (),
    on_start: Sequence[Callable[[], Awaitable[None]]] = (),
    on_stop: Sequence[Callable[[], Awaitable[None]]] = (),
    max_body_bytes: int = admission.MAX_BODY_BYTES,
    callbacks: tuple[str, ...] = (),
    objective_paths: tuple[str, ...] = (),
    direct: Mapping[str, ASGIApp] | None = None,
    documented: bool = True,
    sidecar_only: tuple[str, ...] = SIDECAR_ONLY,
    limit: Limit | None = None,
    unfinished: Sequence[Unfinished] = (),
) -> FastAPI:
    """A FastAPI app with health, metrics, problems, tracing, the sidecar's door and a lifespan that starts `background`.

    `on_start` runs before the first request is taken (keys, secrets); `name` is the app-id and the package.
    `outbox` and `idempotency_keys` say which of servicekit's tables the service has; `inbox` and `dead_letter` come with
    `dead_letters`. All of them are pruned and measured here; `upkeep` (every hour) and `metrics` (every 15 s) are what
    the service adds, `unfinished` its own states that should end. `publishes` are the topics of the outbox: what is
    published is counted from 0 on, for an alert watches it.
    `sidecar_only` is empty where such paths do not exist at all (the public door); `limit` is the door's own: the problem
    with one more request of a client, before its body is read. `callbacks` are the paths that WeChat
    calls: visitors cannot take the places kept for them; their failures, and those of `objective_paths`, are counted from 0
    on, for an objective of docs/slo.md is about them. `direct` are endpoints by path that are served past FastAPI
    (direct.py), as deliveries of events are. `max_body_bytes` bounds all but events and uploads (settings), which have
    their own.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        for start in on_start:
            await start()
        tasks = [asyncio.create_task(keep_running(work), name=type(work).__name__) for work in running]
        log.info("service is up", service=name, port=settings.app_port)
        yield
        await stopping.stop(tasks)
        for stop in on_stop:
            await stop()
        await sidecar.close()
        if db is not None:
            await db.close()

    expected = Subscriptions(sidecar, dead_letters.topics if dead_letters else frozenset())
    _count_from_zero((*callbacks, *objective_paths), publishes)
    running: list[Background] = [*background, saturation.LoopLag(), *for_service(metrics=metrics, upkeep=upkeep)]
    places = admission.standard(
        common=settings.request_concurrency,
        visitors_max_body=max_body_bytes,
        callbacks=callbacks,
        callback_places=settings.callback_places,
        delivery_places=settings.delivery_places,
        uploads=settings.uploads,
    )
    readiness = Readiness(db, sidecar, expected, places, full_seconds=settings.capacity_seconds)
    running.append(measuring(readiness.measure))
    catalogue = Catalogue(name)
    app = FastAPI(
        title=f"minsu {name}",
        version="1.0.0",
        lifespan=lifespan,
        **_common(),
        docs_url="/docs" if documented else None,
        openapi_url="/openapi.json" if documented else None,
        redoc_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # else it looks for each at every request
        redirect_slashes=False,  # Starlette would build the Location from the caller's Host header
    )
    activity = app.state.activity = Activity(clock, port=settings.app_port, version=settings.version)
    app.state.provided = {type(instance): instance for instance in provides}
    app.state.token_verifier = verifier
    app.state.user_limit = RateLimit("user", settings.requests_per_user, Counts())
    problems.install(app, catalogue)
    for router in (health.router(readiness), *routers):
        _include(app, router)
    if db is not None:
        saturation.watch_pool(db)
        keys = Idempotency(db, clock, keep=timedelta(days=settings.idempotency_keep_days)) if idempotency_keys else None
        app.state.idempotency = keys
        audit = app.state.audit = Audit(db=db)
        _include(app, audit_router(name))
        running += for_tables(
            db,
            clock,
            settings,
            publishing_to=sidecar if outbox else None,
            keys=keys,
            dead_letters=dead_letters,
            subscriptions=expected,
            unfinished=unfinished,
            activity=activity,
            audit=audit,
        )
    if dead_letters is not None and db is not None:
        dead_letters.subscribe(app, settings.pubsub)
        app.state.operations = Operations(db=db, clock=clock, letters=dead_letters)
        _include(app, operations_router(name, has_outbox=outbox))
        app.state.event_history = EventHistory(db=db, keep_days=settings.outbox_keep_days)
        _include(app, event_history_router(name, has_outbox=outbox))
    app.state.system = System(
        clock=clock,
        own=activity,
        sidecar=sidecar,
        topics=dead_letters.topics if dead_letters else frozenset(),
        jobs=jobs_of(routers),
        db=db,
        replicas=Replicas(db, clock, activity) if db is not None else None,
        has_dead_letters=dead_letters is not None,
    )
    _include(app, system_router(name))
    if sidecar_only:
        unknown.install(app)

    past_fastapi: dict[str, ASGIApp] = {**direct_deliveries(routers), **(direct or {})}
    _guard(app, settings, catalogue, places, verifier, sidecar_only=sidecar_only, direct=past_fastapi, limit=limit)
    return app


def _common() -> dict[str, Any]:
    """What every route has."""
    return {
        "dependencies": [Depends(refuse_unstorable)],
        "responses": {
            "4XX": {"model": ProblemDetails, "description": "Refused; `field` names what is wrong"},
            "5XX": {"model": ProblemDetails, "description": "Our fault, or a part is unavailable; nothing was decided"},
        },
    }


def _include(app: FastAPI, router: APIRouter) -> None:
    """As `app.include_router` does, which analyses each route anew for each app: a quarter of the time of tests that make
    one each. Here it is done once for a router, which keeps the result."""
    kept: dict[str, Any] = vars(router)
    if "with_common" not in kept:
        kept["with_common"] = APIRouter(**_common())
        kept["with_common"].include_router(router)
    app.router.routes.extend(kept["with_common"].routes)


def _count_from_zero(paths: Sequence[str], topics: Sequence[str]) -> None:
    for path, status in itertools.product(paths, FAILURES):
        duration_of("POST", path, status)
    for topic in topics:
        PUBLISHED.labels(topic)


def _guard(
    app: FastAPI,
    settings: ServiceSettings,
    catalogue: Catalogue,
    places: admission.Admission,
    verifier: TokenVerifier,
    *,
    sidecar_only: tuple[str, ...],
    direct: Mapping[str, ASGIApp],
    limit: Limit | None,
) -> None:
    """Put the middleware around the app; the last one added is the outermost."""

    def refuse(request: Request, problem: Problem) -> Any:
        problems.note_refusal(request.scope, problem)
        return problems.render(request, catalogue, problem)

    delivery_token = settings.delivery_token.get_secret_value()
    if direct:
        app.add_middleware(Direct, endpoints=direct)
    app.add_middleware(OwnDeliveries, token=delivery_token, render=refuse, sidecar_only=sidecar_only)
    app.add_middleware(
        Gatekeeper,
        token=settings.app_api_token.get_secret_value(),
        admission=places,
        identify=verifier.principal,
        render=refuse,
        sidecar_only=sidecar_only,
        limit=limit,
    )
    app.add_middleware(Unwrapping, token=delivery_token)
