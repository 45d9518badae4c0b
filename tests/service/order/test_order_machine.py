"""Orders and payments in any order of events: twice, late, out of turn, while closing. Money is never unaccounted for."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import hypothesis.strategies as st
import psycopg
from hypothesis import event as hypothesis_event
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from order.booking import BookingRequest
from order.events import REFUND_REQUESTED_TOPIC, TRADE_STATE_TOPIC
from order.fulfilment import PaymentFact
from order.parts import Parts
from order.peers import CloseAnswer, Homestay
from order.pricing import Stay
from order.settings import Settings
from servicekit.db import Database
from servicekit.errors import Conflict, PeerUnavailable
from servicekit.events import CloudEvent
from servicekit.testing import APP_TOKEN, FakeSidecar
from tests.service.order.support import BUYER, MERCHANT, Clock, payment_number, snapshot
from tests.support.machines import run_machine

T = TypeVar("T")
MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
SETTINGS, SIDECAR = Settings(APP_API_TOKEN=APP_TOKEN), FakeSidecar()
OPEN, CLOSED, PAID, REFUNDED = 0, -1, 1, 2
CHOICE = st.integers(0, 11)


class Travel:
    async def homestay(self, _homestay_id: int, stay: Stay) -> Homestay:
        return Homestay.model_validate(snapshot(stay))


@dataclass
class Bill:
    """A payment, as payment and WeChat know it."""

    sn: str
    status: int = OPEN
    version: int = 1
    total_fen: int = 19900


class World:
    """Payment's side: what was really paid, and every word it ever said about it."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []
        self.said: list[PaymentFact] = []
        self.is_away = False

    def say(self, bill: Bill, status: int) -> None:
        bill.status, bill.version = status, bill.version + 1
        self.said.append(PaymentFact(bill.sn, bill.version, status, bill.total_fen, MORNING))

    async def close(self, _sn: str, _attempt: int) -> CloseAnswer:
        if self.is_away:
            raise PeerUnavailable("payment is away")
        outcome = "neverPaid"
        for bill in self.bills:
            if bill.status == OPEN:
                bill.status, bill.version, outcome = CLOSED, bill.version + 1, "closed"
        taken = next((bill for bill in reversed(self.bills) if bill.status in {PAID, REFUNDED}), None)
        if taken is None:
            return CloseAnswer.model_validate({"outcome": outcome})
        return CloseAnswer(
            outcome="paid",
            payment_sn=taken.sn,
            pay_time=MORNING,
            total_fen=taken.total_fen,
            version=taken.version,
        )


def has(*statuses: int) -> Callable[[Any], Any]:
    return precondition(lambda self: any(bill.status in statuses for bill in self.world.bills))


class OrderAndPayments(RuleBasedStateMachine):
    """One order and all that may happen to it, through the real use-cases and the real tables."""

    sql: ClassVar[psycopg.Connection]
    runner: ClassVar[asyncio.Runner]
    db: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.world = Clock(MORNING), World()
        parts = Parts.of(SETTINGS, clock=self.clock, sidecar=SIDECAR, db=self.db, travel=Travel(), payment=self.world)  # type: ignore[arg-type]  # doubles
        self.refunds, self.fulfilment, self.booking = parts.refunds, parts.fulfilment, parts.booking
        self.closing, self.checkin, self.expiry = parts.closing, parts.checkin, parts.expiry
        self.lookup = parts.lookup
        self.heard: dict[str, PaymentFact] = {}
        self.events = 0
        self.asked_refund = False

    def run(self, action: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(action)

    @initialize()
    def begin(self) -> None:
        start = int(MORNING.timestamp())
        request = BookingRequest(BUYER, 7, start, start + 86400, 2, need_food=False, remark="")
        self.sn = self.run(self.booking.create(request))
        self.open_payment()

    @rule()
    def open_payment(self) -> None:
        order = self.run(self.lookup.order(self.sn))
        if self.lookup.is_payable(order) and len(self.world.bills) < 3:
            self.world.bills.append(Bill(payment_number()))

    def bill(self, choice: int, *statuses: int) -> Bill:
        fitting = [bill for bill in self.world.bills if bill.status in statuses]
        return fitting[choice % len(fitting)]

    @has(OPEN)
    @rule(choice=CHOICE, heard=st.booleans())
    def guest_pays(self, choice: int, heard: bool) -> None:
        self.world.say(self.bill(choice, OPEN), PAID)
        if heard:
            self.an_event_arrives(-1, same_id=True)

    @has(CLOSED)
    @rule(choice=CHOICE, heard=st.booleans())
    def guest_had_paid_what_was_thought_closed(self, choice: int, heard: bool) -> None:
        self.world.say(self.bill(choice, CLOSED), PAID)
        if heard:
            self.an_event_arrives(-1, same_id=True)

    @has(PAID)
    @rule(choice=CHOICE)
    def money_goes_back(self, choice: int) -> None:
        self.world.say(self.bill(choice, PAID), REFUNDED)

    @has(PAID)
    @rule(choice=CHOICE)
    def payment_says_paid_again_under_a_higher_version(self, choice: int) -> None:
        self.world.say(self.bill(choice, PAID), PAID)

    @precondition(lambda self: self.world.said)
    @rule(choice=CHOICE, same_id=st.booleans())
    def an_event_arrives(self, choice: int, same_id: bool) -> None:
        fact = self.world.said[choice % len(self.world.said)]
        self.events += 1
        suffix = "first" if same_id else str(self.events)
        event = CloudEvent(id=f"{fact.payment_sn}-{fact.version}-{suffix}", source="minsu/payment")
        self.run(self.fulfilment.on_payment_fact(event, self.sn, fact))
        self.heard.setdefault(fact.payment_sn, fact)

    @rule(away=st.booleans())
    def payment_comes_and_goes(self, away: bool) -> None:
        self.world.is_away = away

    @precondition(lambda self: self.world.bills)
    @rule()
    def buyer_cancels(self) -> None:
        self.may_conflict(self.closing.cancel(BUYER, self.sn))

    @precondition(lambda self: self.world.bills)
    @rule(minutes=st.sampled_from([1, 6, 31, 60 * 27]))
    def time_passes(self, minutes: int) -> None:
        self.clock.pass_by(minutes=minutes)

    @precondition(lambda self: self.world.bills)
    @rule()
    def cron_ticks(self) -> None:
        self.run(self.closing.close_due())
        self.run(self.expiry.end_unanswered())
        self.run(self.expiry.expire_due())

    @precondition(lambda self: self.heard)
    @rule()
    def buyer_wants_it_back(self) -> None:
        if self.may_conflict(self.refunds.request(BUYER, self.sn, "")):
            self.asked_refund = True

    @precondition(lambda self: self.heard)
    @rule()
    def guest_arrives(self) -> None:
        if code := self.order()["checkin_code"]:
            self.may_conflict(self.checkin.verify(MERCHANT, code))

    def may_conflict(self, action: Coroutine[Any, Any, object]) -> bool:
        try:
            self.run(action)
        except Conflict:
            return False
        return True

    def order(self) -> dict[str, Any]:
        [row] = self.rows("select * from homestay_order where sn = %s")
        return row

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.sql.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(query.encode(), [self.sn]).fetchall()

    def refunds_asked(self) -> list[dict[str, Any]]:
        return self.told(REFUND_REQUESTED_TOPIC)

    def told(self, topic: str) -> list[dict[str, Any]]:
        rows = self.rows("select topic, event -> 'data' as data from outbox where partition_key = %s order by id")
        return [row["data"] for row in rows if row["topic"] == topic]

    @invariant()
    def every_change_is_written_and_told_once(self) -> None:
        changes = self.rows(
            "select t.*, o.version, o.trade_state from order_transition t join homestay_order o on o.id = t.order_id"
            " where o.sn = %s order by seq"
        )
        assert [change["seq"] for change in changes] == list(range(1, changes[0]["version"] + 1))
        assert changes[-1]["to_state"] == changes[0]["trade_state"]
        assert [change["from_state"] for change in changes[1:]] == [change["to_state"] for change in changes[:-1]]
        told = [(fact["version"], fact["fromState"], fact["tradeState"]) for fact in self.told(TRADE_STATE_TOPIC)]
        assert told == [(change["seq"], change["from_state"], change["to_state"]) for change in changes[1:]]

    @invariant()
    def what_was_heard_paid_has_paid_or_goes_back_once(self) -> None:
        paid_by, asked = self.order()["payment_sn"], self.refunds_asked()
        assert max(Counter(fact["paymentSn"] for fact in asked).values(), default=1) == 1
        for fact in asked:
            assert (fact["cause"] == "buyer") == (fact["paymentSn"] == paid_by)
            assert fact["cause"] != "buyer" or self.asked_refund
            assert fact["refundFen"] == 19900
        accounted = {paid_by} | {fact["paymentSn"] for fact in asked}
        for payment_sn, first in self.heard.items():
            assert payment_sn in accounted or first.pay_status == REFUNDED

    def teardown(self) -> None:
        """Let everything arrive: then the order rests, and so does the money."""
        if not hasattr(self, "sn"):
            return
        self.world.is_away = False
        for choice in range(len(self.world.said)):
            self.an_event_arrives(choice, same_id=False)
        for _ in range(2):
            self.clock.pass_by(hours=2)
            self.cron_ticks()
        self.every_change_is_written_and_told_once()
        self.what_was_heard_paid_has_paid_or_goes_back_once()
        order = self.order()
        hypothesis_event(f"ends at {order['trade_state']}")
        assert order["trade_state"] != 0
        asked = {fact["paymentSn"] for fact in self.refunds_asked()}
        taken = {bill.sn for bill in self.world.bills if bill.status == PAID}
        assert taken - {order["payment_sn"]} <= asked
        assert order["trade_state"] != 1 or order["payment_sn"] in taken


def test_no_order_of_events_loses_money_or_a_state(order_database: str, sql: psycopg.Connection) -> None:
    db = Database(order_database)
    run_machine(OrderAndPayments, [db], examples=50, steps=20, sql=sql, db=db)
