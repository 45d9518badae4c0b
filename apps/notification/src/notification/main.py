"""The composition root: what the service is made of, and the only place where it is put together."""

from datetime import timedelta
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

from notification import jobs, subscriptions
from notification.attempts import Attempts
from notification.courier import Courier, Couriers
from notification.delivery import Delivery, Templates
from notification.endpoints import operations as operations_api
from notification.operations import Operations
from notification.peers import Peers
from notification.planning import Planning
from notification.rendering import Wording
from notification.repository import Turn
from notification.retries import RetryPolicy
from notification.settings import Settings
from notification.states import Kind
from notification.waiting import UNFINISHED
from notification.wechat.messages import Messenger
from notification.wechat.tokens import AccessTokens
from notification.wechat.transport import Transport
from servicekit import app, secrets
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.due import Backoff
from servicekit.events import Consumer, bulk_routes
from servicekit.messages import Catalogue
from servicekit.sidecar import Sidecar
from servicekit.transport import PooledTransport
from servicekit.upkeep import Upkeep, old_events

NAME = "notification"


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
    wxma_secret: str | None = None,
    wechat: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """Tests hand in what they play; `wechat` is httpx's transport beneath the mini program's API."""
    db = Database.of(settings)
    sidecar = sidecar or Sidecar.of(settings)
    transport = _transport(settings, wechat)
    tokens = AccessTokens(transport, clock, settings.wxma_appid)
    messenger = Messenger(transport, tokens, state=settings.wxma_state, lang=settings.wxma_lang)
    policy = RetryPolicy(
        max_attempts=settings.max_attempts,
        give_up_after=settings.give_up_after,
        backoff=Backoff(
            first=timedelta(seconds=settings.first_pause_seconds),
            longest=timedelta(seconds=settings.longest_pause_seconds),
            jitter=0.25,
        ),
    )
    attempts = Attempts(db, clock, policy)
    delivery = Delivery(attempts, Peers(sidecar, settings.wxma_appid), messenger, _templates(settings))
    couriers = Couriers(
        Courier(partial(attempts.claim, Turn.FRESH), delivery.deliver, parallel=settings.parallel),
        Courier(partial(attempts.claim, Turn.LONGEST_DUE), delivery.deliver, parallel=settings.parallel_retries),
    )
    planning = Planning(db, clock, policy, couriers.wake)
    consumers: list[Consumer[Any]] = [subscriptions.order_states(planning), subscriptions.order_refunds(planning)]
    dead_letters = DeadLetters(db, clock, NAME, consumers)

    async def fetch_secret() -> None:
        held = {"wxma-secret": wxma_secret} if wxma_secret is not None else await secrets.fetch(settings, NAME)
        tokens.use_secret(secrets.read(held, "wxma-secret"))

    return app.build(
        NAME,
        settings,
        routers=[operations_api.router, jobs.router, bulk_routes(*consumers)],
        provides=[couriers, dead_letters, Operations(db, clock, policy, couriers.waiting.wake)],
        sidecar=sidecar,
        verifier=verifier or TokenVerifier.by_invocation(sidecar),
        clock=clock,
        db=db,
        background=[couriers.fresh, couriers.waiting, Upkeep(old_events(db, settings.inbox_keep_days))],
        dead_letters=dead_letters,
        unfinished=UNFINISHED,
        on_start=[fetch_secret],
        on_stop=[transport.close],
    )


def _transport(settings: Settings, wechat: httpx.AsyncBaseTransport | None) -> Transport:
    most_at_once = settings.parallel + settings.parallel_retries
    http = httpx.AsyncClient(
        base_url=settings.wxma_base_url,
        timeout=httpx.Timeout(settings.wxma_timeout_seconds, connect=min(2.0, settings.wxma_timeout_seconds)),
        transport=wechat or PooledTransport(max_connections=max(32, most_at_once)),
        trust_env=False,
    )
    return Transport(http, settings.wxma_timeout_seconds)


def _templates(settings: Settings) -> Templates:
    texts = Catalogue(NAME)
    language = "zh" if settings.wxma_lang == "zh_CN" else "en"
    wording = Wording(
        code_warning=texts.text("message-code-warning", language),
        untitled=texts.text("message-untitled", language),
        refund_done=texts.text("message-refund-done", language),
        checkin_time=settings.checkin_time,
        checkout_time=settings.checkout_time,
        given_back={
            cause: texts.text(f"message-given-back-{cause}", language)
            for cause in ("late-payment", "duplicate-payment")
        },
        refund_asked=texts.text("message-refund-asked", language),
    )
    ids = {
        Kind.PAID: settings.template_paid,
        Kind.BEFORE_ARRIVAL: settings.template_arrival,
        Kind.REFUNDED: settings.template_refunded,
        Kind.GIVEN_BACK: settings.template_refunded,
        Kind.REFUND_ASKED: settings.template_refund_asked,
    }
    return Templates(ids, settings.page, wording, settings.merchant_page)
