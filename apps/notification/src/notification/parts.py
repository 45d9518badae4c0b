"""What the notification service is made of, wired in one place: the app and tests take their objects from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Self

from notification import personal_data
from notification.attempts import Attempts
from notification.composing import Templates
from notification.courier import Courier, Couriers
from notification.delivery import Delivery
from notification.inspection import Inspection
from notification.operations import Operations
from notification.peers import OrderPeer, UserPeer
from notification.planning import Planning
from notification.rendering import MessageTexts, Silence
from notification.repository import ClaimOrder
from notification.retries import JITTER, RetryPolicy
from notification.settings import Settings
from notification.states import Kind
from notification.subscriptions import on_refund_updated, on_trade_state_updated
from notification.wechat.connection import Connection, PooledConnection
from notification.wechat.messages import Messenger
from notification.wechat.tokens import AccessTokens
from notification.wechat.transport import Transport
from servicekit import secrets
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.due import Backoff
from servicekit.events import Consumer
from servicekit.messages import Catalogue
from servicekit.personal_data import PersonalData
from servicekit.sidecar import Sidecar

NAME = "notification"


@dataclass(frozen=True, kw_only=True)
class Parts:
    settings: Settings
    clock: Clock
    db: Database
    sidecar: Sidecar
    transport: Transport
    tokens: AccessTokens
    attempts: Attempts
    delivery: Delivery
    couriers: Couriers
    planning: Planning
    inspection: Inspection
    operations: Operations
    personal_data: PersonalData
    consumers: tuple[Consumer[Any], ...]
    dead_letters: DeadLetters

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        sidecar: Sidecar | None = None,
        db: Database | None = None,
        orders: OrderPeer | None = None,
        users: UserPeer | None = None,
        wechat: Connection | None = None,
        messenger: Messenger | None = None,
        backoff: Backoff | None = None,
    ) -> Self:
        """Everything by `settings` but for what a test hands in. `wechat` stands for the connection to the mini
        program's API, `messenger` for all of WeChat."""
        db, sidecar = db or Database.of(settings), sidecar or Sidecar.of(settings)
        transport = Transport(connection=wechat or _connection(settings))
        tokens = AccessTokens(transport=transport, clock=clock, appid=settings.wxma_appid)
        policy = RetryPolicy(
            max_attempts=settings.max_attempts,
            give_up_after=settings.give_up_after,
            backoff=backoff or _backoff(settings),
        )
        attempts = Attempts(db=db, clock=clock, policy=policy)
        delivery = Delivery(
            attempts=attempts,
            orders=orders or OrderPeer(sidecar=sidecar),
            users=users or UserPeer(sidecar=sidecar, appid=settings.wxma_appid),
            messenger=messenger
            or Messenger(transport=transport, tokens=tokens, state=settings.wxma_state, lang=settings.wxma_lang),
            templates=_templates(settings),
        )
        couriers = Couriers(
            fresh=Courier(
                claim=partial(attempts.claim, ClaimOrder.FRESH),
                deliver=delivery.deliver,
                parallel=settings.parallel,
            ),
            waiting=Courier(
                claim=partial(attempts.claim, ClaimOrder.LONGEST_DUE),
                deliver=delivery.deliver,
                parallel=settings.parallel_retries,
            ),
        )
        planning = Planning(db=db, clock=clock, policy=policy, wake=couriers.wake)
        consumers = (on_trade_state_updated(planning), on_refund_updated(planning))
        return cls(
            settings=settings,
            clock=clock,
            db=db,
            sidecar=sidecar,
            transport=transport,
            tokens=tokens,
            attempts=attempts,
            delivery=delivery,
            couriers=couriers,
            planning=planning,
            inspection=Inspection(db=db),
            personal_data=PersonalData(
                db=db,
                clock=clock,
                holdings=personal_data.HOLDINGS,
                retentions=personal_data.retentions(settings.messages_keep_days),
            ),
            operations=Operations(db=db, clock=clock, policy=policy, wake=couriers.waiting.wake),
            consumers=consumers,
            dead_letters=DeadLetters(db=db, clock=clock, app_id=NAME, consumers=consumers),
        )

    def use_secrets(self, held: Mapping[str, str]) -> None:
        """`held` by the names of the secret store. Raises BadSecret."""
        self.tokens.secret = secrets.read(held, "wxma-secret")


def _backoff(settings: Settings) -> Backoff:
    return Backoff(
        first=timedelta(seconds=settings.first_pause_seconds),
        longest=timedelta(seconds=settings.longest_pause_seconds),
        jitter=JITTER,
    )


def _connection(settings: Settings) -> PooledConnection:
    return PooledConnection(
        settings.wxma_base_url,
        timeout_seconds=settings.wxma_timeout_seconds,
        most=settings.parallel + settings.parallel_retries,
    )


def _templates(settings: Settings) -> Templates:
    catalogue = Catalogue(NAME)
    language = "zh" if settings.wxma_lang == "zh_CN" else "en"
    texts = MessageTexts(
        code_warning=catalogue.text("message-code-warning", language),
        untitled=catalogue.text("message-untitled", language),
        refund_done=catalogue.text("message-refund-done", language),
        checkin_time=settings.checkin_time,
        checkout_time=settings.checkout_time,
        given_back={
            cause: catalogue.text(f"message-given-back-{cause}", language)
            for cause in ("late-payment", "duplicate-payment", "goodwill")
        },
        refund_asked={silence: catalogue.text(f"message-refund-asked-{silence}", language) for silence in Silence},
    )
    ids = {
        Kind.PAID: settings.template_paid,
        Kind.BEFORE_ARRIVAL: settings.template_arrival,
        Kind.REFUNDED: settings.template_refunded,
        Kind.GIVEN_BACK: settings.template_refunded,
        Kind.REFUND_ASKED: settings.template_refund_asked,
    }
    return Templates(ids, settings.page, texts, settings.merchant_page)
