"""Any history of booking, paying, cancelling, expiring, refunding and changing the stock and its unit: taken nights are
live orders' nights, never above the stock; and travel's copy is the same, in whatever order the events come."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, ClassVar

import hypothesis.strategies as st
import psycopg
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from psycopg.rows import dict_row

from order.booking import BookingRequest
from order.errors import NightFull
from order.events import NIGHTS_TOPIC
from order.fulfilment import PaymentFact
from order.parts import Parts
from order.peers import CloseAnswer, Homestay
from order.pricing import Stay
from order.settings import Settings
from servicekit.db import Database
from servicekit.errors import PeerUnavailable, Problem
from servicekit.events import CloudEvent
from servicekit.testing import APP_TOKEN, FakeSidecar
from tests.service.order.nights import nights_are_right
from tests.service.order.support import MERCHANT, Clock, payment_number, snapshot
from tests.support.machines import run_machine
from tests.support.postgres import PostgresServer, as_owner
from tests.support.tables import EMPTY_ALL
from travel.parts import Parts as TravelParts
from travel.settings import Settings as TravelSettings

MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
DAY = 86400
COPY = "select homestay_id, night, taken, stock, version from homestay_night order by homestay_id, night"
CHOICE = st.integers(0, 11)


class World:
    """Travel with its stock, and payment as far as closing goes."""

    def __init__(self) -> None:
        self.stock, self.sold_by, self.is_away = 2, 0, False
        self.policy = "flexible"

    async def homestay(self, homestay_id: int, stay: Stay) -> Homestay:
        offer = {"id": homestay_id, "stock": self.stock, "rowType": self.sold_by, "cancelPolicy": self.policy}
        return Homestay.model_validate(snapshot(stay, **offer))

    async def free_stays(self, _homestay_id: int, _stay: Stay, _units: int) -> list[Stay]:
        return []

    async def close(self, _sn: str, _attempt: int) -> CloseAnswer:
        if self.is_away:
            raise PeerUnavailable("payment is away")
        return CloseAnswer(outcome="neverPaid")


class Nights(RuleBasedStateMachine):
    """One homestay and its guests, through the real use-cases and the real tables."""

    sql: ClassVar[psycopg.Connection]
    runner: ClassVar[asyncio.Runner]
    db: ClassVar[Database]
    travel_sql: ClassVar[psycopg.Connection]
    travel_db: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        self.sql.execute(EMPTY_ALL)
        self.travel_sql.execute(EMPTY_ALL)
        self.clock, self.world = Clock(MORNING), World()
        told, sidecar = Settings(APP_API_TOKEN=APP_TOKEN), FakeSidecar()
        self.parts = Parts.of(
            told, clock=self.clock, sidecar=sidecar, db=self.db, travel=self.world, payment=self.world
        )  # type: ignore[arg-type]  # doubles
        self.payments: dict[str, tuple[str, int]] = {}
        self.last: BookingRequest | None = None
        self.number = 0

        [self.reader] = TravelParts.of(
            TravelSettings(APP_API_TOKEN=APP_TOKEN), clock=self.clock, sidecar=sidecar, db=self.travel_db
        ).consumers

    def run(self, action: Coroutine[Any, Any, Any]) -> Any:
        """None when it was refused."""
        try:
            return self.runner.run(action)
        except Problem:
            return None

    def orders(self, *states: int) -> list[dict[str, Any]]:
        return self.rows("select * from homestay_order where trade_state = any(%s) order by id", list(states))

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with self.sql.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    @rule(
        first=st.integers(0, 3), nights=st.integers(1, 4), people=st.integers(1, 4), homestay=st.sampled_from([7, 7, 8])
    )
    def a_guest_books(self, first: int, nights: int, people: int, homestay: int) -> None:
        self.number += 1
        start = int(self.clock().timestamp()) + first * DAY
        self.last = BookingRequest(
            self.number, homestay, start, start + nights * DAY, people, need_food=False, remark="", request_key="k"
        )
        units = people if self.world.sold_by else 1
        wanted = self.rows(
            "select coalesce(max(taken), 0) as taken from homestay_night"
            " where homestay_id = %s and night >= %s and night < %s",
            homestay, self.last.stay.start, self.last.stay.end,
        )  # fmt: skip
        by_another_unit = self.rows(
            "select 1 from order_night n join homestay_order o on o.id = n.order_id where o.homestay_id = %s"
            " and n.night >= %s and n.night < %s and o.sold_by <> %s",
            homestay, self.last.stay.start, self.last.stay.end, self.world.sold_by,
        )  # fmt: skip
        is_free = wanted[0]["taken"] + units <= self.world.stock and not by_another_unit
        quote = self.runner.run(self.parts.quoting.quote(homestay, self.last.stay, people=people, food=False))
        assert (quote.full is None) == is_free
        try:
            self.runner.run(self.parts.booking.create(self.last))
        except NightFull:
            assert not is_free
        else:
            assert is_free

    @precondition(lambda self: self.last)
    @rule()
    def the_last_request_is_repeated(self) -> None:
        assert self.last is not None
        self.run(self.parts.booking.create(self.last))
        assert len(self.rows("select id from homestay_order where user_id = %s", self.last.user_id)) <= 1

    @precondition(lambda self: self.orders(0, -1))
    @rule(choice=CHOICE)
    def a_payment_is_heard_of(self, choice: int) -> None:
        """In time, or late: of an order that was cancelled."""
        orders = self.orders(0, -1)
        order = orders[choice % len(orders)]
        sn, version = self.payments.get(order["sn"], (payment_number(), 1))
        self.say(order, sn, version + 1, 1)

    @precondition(lambda self: self.payments)
    @rule(choice=CHOICE)
    def a_payment_went_back(self, choice: int) -> None:
        sn = list(self.payments)[choice % len(self.payments)]
        [order] = self.rows("select * from homestay_order where sn = %s", sn)
        payment_sn, version = self.payments[sn]
        for _ in range(2):
            self.say(order, payment_sn, version + 1, 2)

    @precondition(lambda self: self.refunds_under_way())
    @rule(choice=CHOICE)
    def a_refund_that_was_requested_is_back(self, choice: int) -> None:
        refunds = self.refunds_under_way()
        refund = refunds[choice % len(refunds)]
        [order] = self.rows("select * from homestay_order where id = %s", refund["order_id"])
        payment_sn, version = self.payments[order["sn"]]
        back = order["refunded_fen"] + refund["refund_fen"]
        self.say(order, payment_sn, version + 1, 2 if back == order["order_total_fen"] else 1, back)

    def refunds_under_way(self) -> list[dict[str, Any]]:
        return self.rows("select * from order_refund where state = 'requested' order by id")

    def say(self, order: dict[str, Any], payment_sn: str, version: int, status: int, part_fen: int = 0) -> None:
        self.payments[order["sn"]] = (payment_sn, version)
        event = CloudEvent(id=f"{payment_sn}-{version}", source="minsu/payment")
        fact = PaymentFact(payment_sn, version, status, order["order_total_fen"], MORNING, part_fen)
        self.runner.run(self.parts.fulfilment.on_payment_fact(event, order["sn"], fact))

    @precondition(lambda self: self.orders(0))
    @rule(choice=CHOICE)
    def a_guest_cancels(self, choice: int) -> None:
        orders = self.orders(0)
        order = orders[choice % len(orders)]
        self.run(self.parts.closing.cancel(order["user_id"], order["sn"]))

    @precondition(lambda self: self.orders(1))
    @rule(choice=CHOICE, how=st.sampled_from(["arrives", "wants it back"]))
    def a_paying_guest(self, choice: int, how: str) -> None:
        orders = self.orders(1)
        order = orders[choice % len(orders)]
        if how == "arrives":
            self.run(self.parts.checkin.verify(MERCHANT, order["checkin_code"]))
        else:
            self.run(self.parts.refunds.request(order["user_id"], order["sn"], ""))

    @rule(stock=st.integers(0, 6))
    def the_host_changes_the_stock(self, stock: int) -> None:
        self.world.stock = stock

    @rule(policy=st.sampled_from(["flexible", "moderate", "strict"]))
    def the_host_changes_the_policy(self, policy: str) -> None:
        self.world.policy = policy

    @rule(sold_by=st.sampled_from([0, 1]))
    def the_host_sells_rooms_or_beds(self, sold_by: int) -> None:
        self.world.sold_by = sold_by

    @rule(away=st.booleans())
    def payment_comes_and_goes(self, away: bool) -> None:
        self.world.is_away = away

    @rule(hours=st.sampled_from([1, 3, 27]))
    def time_passes(self, hours: int) -> None:
        self.clock.pass_by(hours=hours)

    @rule()
    def cron_ticks(self) -> None:
        self.run(self.parts.closing.close_due())
        self.run(self.parts.expiry.end_unanswered())
        self.run(self.parts.expiry.expire_due())

    def events(self) -> list[dict[str, Any]]:
        return [
            row["event"] for row in self.rows("select event from outbox where topic = %s order by id", NIGHTS_TOPIC)
        ]

    @precondition(lambda self: self.events())
    @rule(choices=st.lists(CHOICE, min_size=1, max_size=5))
    def some_events_arrive_at_travel(self, choices: list[int]) -> None:
        """Any, in any order, again or for the first time."""
        events = self.events()
        for choice in choices:
            self.runner.run(self.reader.apply(events[-1 - choice % len(events)]))

    def teardown(self) -> None:
        """All events arrive in the end, the newest first, and once more in one delivery."""
        events = self.events()
        for event in events[::-1]:
            self.runner.run(self.reader.apply(event))
        if events:
            assert self.reader.handle_plain is not None
            again = self.reader.handle_plain([self.reader.read(event) for event in events])
            assert self.runner.run(again) == set(range(len(events)))
        assert self.travel_sql.execute(COPY).fetchall() == self.sql.execute(COPY).fetchall()

    @invariant()
    def taken_nights_are_the_nights_of_live_orders(self) -> None:
        nights_are_right(self.rows)

    @invariant()
    def what_is_back_was_requested_and_is_never_above_the_total(self) -> None:
        """But for what went back by another way, which is all of it."""
        wrong = self.rows(
            "select o.sn, o.refunded_fen from homestay_order o where o.refunded_fen <> o.order_total_fen"
            " and o.refunded_fen <> coalesce((select sum(r.refund_fen) from order_refund r"
            " where r.order_id = o.id and r.payment_sn = o.payment_sn and r.state = 'returned'), 0)"
        )
        assert wrong == []

    @invariant()
    def a_refunded_order_holds_no_night_that_had_not_begun(self) -> None:
        held = self.rows(
            "select o.sn from order_night n join homestay_order o on o.id = n.order_id join order_transition t"
            " on t.order_id = o.id and t.to_state = 3"
            " where (n.night + time '12:00') at time zone 'Asia/Shanghai' > t.created_at"
        )
        assert held == []


def test_no_history_sells_a_night_beyond_its_stock_or_keeps_it_from_the_next(
    order_database: str, sql: psycopg.Connection, postgres: PostgresServer
) -> None:
    travel_database = postgres.migrated("travel", "minsu_nights_machine_travel")
    db, travel_db = Database(order_database), Database(travel_database)
    with psycopg.connect(as_owner(travel_database), autocommit=True) as travel_sql:
        given = {"sql": sql, "db": db, "travel_sql": travel_sql, "travel_db": travel_db}
        run_machine(Nights, [db, travel_db], examples=25, steps=25, **given)
