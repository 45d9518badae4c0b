"""The three services in one process: their real use-cases on real databases, wired as their `main.py` wires them. What
they would send over Kafka stays in their outboxes; who drives this decides what arrives, when, and how often."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg.rows import dict_row

from notification.attempts import Attempts
from notification.delivery import Delivery, Templates
from notification.peers import OrderDetail
from notification.planning import Planning
from notification.rendering import Wording
from notification.repository import Turn
from notification.retries import RetryPolicy
from notification.states import Kind
from notification.subscriptions import order_refunds, order_states
from order.batch import Batch
from order.booking import Booking
from order.checkin import CheckIn
from order.closing import Closing as OrderClosing
from order.expiry import Expiry
from order.fulfilment import Fulfilment
from order.lookup import Lookup
from order.peers import CloseAnswer, Homestay
from order.refunds import Refunds as OrderRefunds
from order.schemas import InternalOrder
from order.schemas import Payable as PayableAnswer
from order.subscriptions import payment_status, refund_failed
from payment.parts import Parts
from payment.peers import Payable
from payment.schemas import CloseOutcome
from payment.settings import PaymentSettings
from servicekit.db import Database
from servicekit.errors import PeerUnavailable, Unavailable
from servicekit.events import Consumer
from tests.chaos.books import TABLES, Books
from tests.service.order.support import HOMESTAY, Clock
from tests.stateful.wechat import APPID, MCHID, OPENID, Wechat

SERVICES = ("order", "payment", "notification")


class House:
    """`consumers` by topic; the peers below stand for the sidecars between the services."""

    def __init__(self, dbs: dict[str, Database], clock: Clock, wechat: Any) -> None:
        self.clock, self.wechat = clock, wechat
        self.peers_are_away = False
        order, payment, notification = (dbs[name] for name in SERVICES)

        self.order_refunds = OrderRefunds(order, clock)
        self.fulfilment = Fulfilment(order, clock, self.order_refunds)
        self.lookup = Lookup(order, clock, self)  # type: ignore[arg-type]
        self.booking = Booking(order, clock, self, pay_window=timedelta(minutes=30))  # type: ignore[arg-type]
        lease = timedelta(seconds=60)
        self.order_closing = OrderClosing(order, clock, self, self.fulfilment, lease=lease, batch=20, parallel=5)  # type: ignore[arg-type]
        self.checkin = CheckIn(order, clock, misses=10, window=timedelta(minutes=10))
        self.expiry = Expiry(order, clock, self.order_refunds, answer_within=timedelta(days=1), batch=100)

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

        policy = RetryPolicy(give_up_after=timedelta(days=30), max_attempts=1000)
        self.attempts = Attempts(notification, clock, policy, spread=lambda: 0.5)
        words = Wording("请勿告知他人", "民宿", "已原路退回", checkin_time="14:00", checkout_time="12:00")
        ids = {Kind.PAID: "T1", Kind.BEFORE_ARRIVAL: "T2", Kind.REFUNDED: "T3", Kind.GIVEN_BACK: "T3"}
        templates = Templates(ids | {Kind.REFUND_ASKED: "T4"}, "", words)
        self.delivery = Delivery(self.attempts, _Guests(self), wechat, templates)  # type: ignore[arg-type]
        planning = Planning(notification, clock, policy, lambda: None)
        consumers: list[Consumer[Any]] = [
            payment_status(self.fulfilment, Batch(order, clock)), refund_failed(self.order_refunds),
            *self.payment.consumers, order_states(planning), order_refunds(planning),
        ]  # fmt: skip
        self.consumers = {consumer.topic: consumer for consumer in consumers}

    async def homestay(self, _homestay_id: int) -> Homestay:
        return Homestay.model_validate(HOMESTAY)

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

    def _must_be_there(self) -> None:
        if self.peers_are_away:
            raise PeerUnavailable("the other service is away")

    async def deliver_due_messages(self) -> None:
        for claim in await self.attempts.claim(Turn.LONGEST_DUE, 8):
            await self.delivery.deliver(claim)

    async def tick(self) -> None:
        """Every cron binding once."""
        await self.order_closing.close_due()
        await self.expiry.agree_unanswered()
        await self.expiry.expire_due()
        await self.payment.inquiry.poll_due()
        await self.payment.submission.submit_due()
        await self.deliver_due_messages()


class _Guests:
    """Whom notification asks: order's name for the same question differs from payment's."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def order(self, order_sn: str) -> OrderDetail:
        self._house._must_be_there()
        order = await self._house.lookup.order(order_sn)
        answer = InternalOrder.of(
            order,
            refunded_at=await self._house.lookup.refunded_at(order),
            answer_by=self._house.lookup.answer_by(order),
        )
        return OrderDetail.model_validate_json(answer.model_dump_json(by_alias=True))

    async def openid(self, user_id: int) -> str:
        return await self._house.openid(user_id)


class Shelves:
    """The three databases as tables, for whoever checks them."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._connections = {
            name: psycopg.connect(url, autocommit=True, row_factory=dict_row) for name, url in urls.items()
        }

    def rows(self, service: str, query: str, *parameters: Any) -> list[dict[str, Any]]:
        cursor = self._connections[service].execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        for service, tables in TABLES.items():
            self.rows(service, f"truncate {', '.join(tables)} restart identity cascade")

    def books(self, wechat: Wechat) -> Books:
        ours = {
            service: {table: self.rows(service, f"select * from {table}") for table in tables}  # noqa: S608 - names of ours
            for service, tables in TABLES.items()
        }
        return Books(ours, wechat.books())

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
