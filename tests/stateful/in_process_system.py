"""Four services in one process: their real use-cases on real databases, wired as their `main.py` wires them. What
they would send over Kafka stays in their outboxes; who drives this decides what arrives, when, and how often."""

from collections.abc import Collection
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg.rows import dict_row

from notification.parts import Parts as NotificationParts
from notification.peers import OrderDetail
from notification.repository import ClaimOrder
from notification.settings import Settings as NotificationSettings
from order.internal_schemas import InternalOrder
from order.internal_schemas import Payable as PayableAnswer
from order.parts import Parts as OrderParts
from order.peers import CloseAnswer, Homestay
from order.pricing import Stay
from order.settings import Settings as OrderSettings
from payment.parts import Parts
from payment.peers import Payable
from payment.schemas import CloseOutcome
from payment.settings import PaymentSettings
from servicekit.db import Database
from servicekit.due import Backoff
from servicekit.errors import PeerUnavailable, Unavailable
from servicekit.events import Consumer
from servicekit.testing import APP_TOKEN, FakeSidecar
from tests.chaos.books import TABLES, Books
from tests.service.order.support import Clock, snapshot
from tests.stateful.wechat import APPID, MCHID, OPENID, Wechat
from tests.support.postgres import as_owner
from tests.support.tables import EMPTY_ALL
from travel.parts import Parts as TravelParts
from travel.settings import Settings as TravelSettings

SERVICES = ("order", "payment", "notification", "travel")
SIDECAR = FakeSidecar()


class InProcessSystem:
    """`consumers` by topic; the peers below stand for the sidecars between the services."""

    def __init__(self, dbs: dict[str, Database], clock: Clock, wechat: Any) -> None:
        self.clock, self.wechat = clock, wechat
        self.peers_are_away = False
        self.cancel_policy = "flexible"
        order, payment, notification, travel = (dbs[name] for name in SERVICES)

        told = OrderSettings(APP_API_TOKEN=APP_TOKEN)
        orders = OrderParts.of(told, clock=clock, sidecar=SIDECAR, db=order, travel=self, payment=self)  # type: ignore[arg-type]
        self.order_refunds, self.fulfilment, self.lookup = orders.refunds, orders.fulfilment, orders.lookup
        self.booking, self.checkin, self.expiry = orders.booking, orders.checkin, orders.expiry
        self.order_closing, self.goodwill = orders.closing, orders.goodwill

        merchant = {"wxpay_mchid": MCHID, "wxpay_appid": APPID, "wxpay_mch_serial": "7" * 40}
        urls = {"wxpay_notify_url": "https://us/pay", "wxpay_refund_notify_url": "https://us/refund"}
        self.payment = Parts.of(
            PaymentSettings(**merchant, **urls),  # type: ignore[arg-type]
            {},
            db=payment,
            clock=clock,
            wechat=SimpleNamespace(pay=wechat, bills=None),  # type: ignore[arg-type]
            orders=self,  # type: ignore[arg-type]
            users=self,  # type: ignore[arg-type]
        )

        pauses = Backoff(first=timedelta(seconds=5), longest=timedelta(minutes=90))  # no jitter: runs can be repeated
        messages = NotificationParts.of(
            NotificationSettings(
                APP_API_TOKEN=APP_TOKEN, wxma_appid=APPID, template_paid="T1", template_arrival="T2",
                template_refunded="T3", template_refund_asked="T4", give_up_after=timedelta(days=30), max_attempts=1000,
            ),
            clock=clock, sidecar=SIDECAR, db=notification, orders=_Guests(self), users=self,
            messenger=wechat,  # type: ignore[arg-type]
            backoff=pauses,
        )  # fmt: skip
        readers = TravelParts.of(TravelSettings(APP_API_TOKEN=APP_TOKEN), clock=clock, sidecar=SIDECAR, db=travel)
        self.attempts, self.delivery = messages.attempts, messages.delivery
        consumers: list[Consumer[Any]] = [
            *orders.consumers, *self.payment.consumers, *messages.consumers, *readers.consumers,
        ]  # fmt: skip
        self.consumers = {consumer.topic: consumer for consumer in consumers}

    async def homestay(self, _homestay_id: int, stay: Stay) -> Homestay:
        return Homestay.model_validate(snapshot(stay, cancelPolicy=self.cancel_policy))

    async def close(self, order_sn: str, _attempt: int) -> CloseAnswer:
        self._must_be_there()
        try:
            answer = CloseOutcome.of(await self.payment.closing.close(order_sn))
        except Unavailable as error:
            raise PeerUnavailable(str(error)) from error
        return CloseAnswer.model_validate_json(answer.model_dump_json(by_alias=True))

    async def payable(self, order_sn: str) -> Payable:
        self._must_be_there()
        order = await self.lookup.order(order_sn)
        answer = PayableAnswer.of(order, payable=self.lookup.is_payable(order))
        return Payable.model_validate_json(answer.model_dump_json(by_alias=True))

    async def openid(self, _user_id: int) -> str:
        self._must_be_there()
        return OPENID

    async def openids(self, user_ids: Collection[int]) -> dict[int, str]:
        self._must_be_there()
        return dict.fromkeys(user_ids, OPENID)

    def _must_be_there(self) -> None:
        if self.peers_are_away:
            raise PeerUnavailable("the other service is away")

    async def deliver_due_messages(self) -> None:
        if claims := await self.attempts.claim(ClaimOrder.LONGEST_DUE, 8):
            async for _ in self.delivery.deliver(claims):
                pass

    async def tick(self) -> None:
        """Every cron binding once."""
        await self.order_closing.close_due()
        await self.expiry.end_unanswered()
        await self.expiry.expire_due()
        await self.payment.inquiry.poll_due()
        await self.payment.submission.submit_due()
        await self.deliver_due_messages()


class _Guests:
    """notification's peer `order`: its name for the question differs from payment's."""

    def __init__(self, system: InProcessSystem) -> None:
        self._system = system

    async def orders(self, order_sns: Collection[str]) -> dict[str, OrderDetail]:
        self._system._must_be_there()
        lookup = self._system.lookup
        found = await lookup.told_to_peers(list(order_sns))
        answers = [
            InternalOrder.of(order, refunded_at=order.refunded_at, answer_by=lookup.answer_by(order)) for order in found
        ]
        return {each.sn: OrderDetail.model_validate_json(each.model_dump_json(by_alias=True)) for each in answers}


class Shelves:
    """The databases as tables, to be checked."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._connections = {
            name: psycopg.connect(as_owner(url), autocommit=True, row_factory=dict_row) for name, url in urls.items()
        }

    def rows(self, service: str, query: str, *parameters: Any) -> list[dict[str, Any]]:
        cursor = self._connections[service].execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        for service in self._connections:
            self.rows(service, EMPTY_ALL)

    def books(self, wechat: Wechat) -> Books:
        ours = {
            service: {table: self.rows(service, f"select * from {table}") for table in tables}  # noqa: S608 - names of ours
            for service, tables in TABLES.items()
        }
        return Books(ours, wechat.books())

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
