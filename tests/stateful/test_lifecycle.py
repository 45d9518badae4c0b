"""Payment × order × refund × notification under every order of messages: twice, late, out of turn, missing until the end,
with WeChat away, mute, or the asking process killed. Judged by the chaos suite's own checker."""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import event as hypothesis_event
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from order.booking import BookingRequest
from servicekit.db import Database
from servicekit.errors import Poison, Problem
from tests.chaos import checker
from tests.chaos.findings import DOUBLED, WRONG
from tests.service.order.support import BUYER, MERCHANT, Clock
from tests.stateful.in_process_system import SERVICES, InProcessSystem, Shelves
from tests.stateful.wechat import MORNING, Killed, Line, Wechat
from tests.support.machines import run_machine

OPERATOR = 9
ALL_AGAIN = {0, 1, 8, 15}
"""Turns of the end in which all that ever arrived arrives again: at once, hours later and two days later."""
CHOICE = st.integers(0, 11)
GIFTS = {1: None, 3000: "k-1", 9950: "k-2"}
"""Each with its Idempotency-Key."""
START = int(MORNING.timestamp())
REQUEST = BookingRequest(BUYER, 7, START, START + 86400, 2, need_food=False, remark="")


def some(where: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return precondition(lambda self: bool(where(self)))


class Lifecycle(RuleBasedStateMachine):
    """One order, from booking to its end, and everything that four services and WeChat say to one another about it."""

    shelves: ClassVar[Shelves]
    runner: ClassVar[asyncio.Runner]
    dbs: ClassVar[dict[str, Database]]

    def __init__(self) -> None:
        super().__init__()
        self.shelves.empty()
        self.clock = Clock(MORNING)
        self.wechat = Wechat(self.clock)
        self.system = InProcessSystem(self.dbs, self.clock, self.wechat)
        self.callbacks: list[Any] = []
        self.sn = ""

    def do(self, action: Coroutine[Any, Any, Any]) -> bool:
        """Refusals and outages are answers; a kill ends the call and nothing else. Returns whether it came to its end."""
        try:
            return self.runner.run(self._contained(action))
        except Problem:
            return False

    async def _contained(self, action: Coroutine[Any, Any, Any]) -> bool:
        try:
            await action
        except Killed:
            return False
        return True

    @initialize(
        begun=st.sampled_from(["booked", "paid", "heard", "refund asked", "merchant asked"]),
        policy=st.sampled_from(["flexible", "moderate", "moderate", "strict"]),
        days=st.sampled_from([0, 3, 7]),
    )
    def a_guest_books(self, begun: str, policy: str, days: int) -> None:
        """Some stories begin later: chance alone would seldom lead there."""
        self.system.cancel_policy = policy
        start = START + days * 86400
        request = dataclasses.replace(REQUEST, live_start_time=start, live_end_time=start + 86400)
        self.sn = self.runner.run(self.system.booking.create(request))
        self.the_guest_goes_to_the_cashier()
        if begun != "booked":
            self.the_guest_pays(at_once=begun != "paid")
        if begun in {"heard", "refund asked", "merchant asked"}:
            self.the_newest_events_arrive()
        if begun == "merchant asked":
            self.clock.pass_by(minutes=6 * 31)  # past noon of the first day
        if begun in {"refund asked", "merchant asked"}:
            self.the_guest_wants_the_money_back()

    @rule()
    def the_guest_goes_to_the_cashier(self) -> None:
        self.do(self.system.payment.checkout.start(BUYER, self.sn, "homestayOrder"))

    def payable_bills(self) -> list[str]:
        return [number for number, bill in self.wechat.bills.items() if bill["state"] == "NOTPAY" and bill["total"]]

    @some(payable_bills)
    @rule(at_once=st.booleans())
    def the_guest_pays(self, at_once: bool) -> None:
        number = self.payable_bills()[0]
        self.wechat.pay(number)
        self.callbacks.append((self.system.payment.settlement, self.wechat.verdict(number, "callback")))
        if at_once:
            self.a_callback_arrives(-1)

    @some(lambda self: any(bill["state"] == "CLOSED" and bill["total"] for bill in self.wechat.bills.values()))
    @rule()
    def the_guest_had_paid_what_was_closed(self) -> None:
        """WeChat's verified callback after the close: the money is there all the same."""
        number = next(sn for sn, bill in self.wechat.bills.items() if bill["state"] == "CLOSED" and bill["total"])
        self.wechat.reopen(number)
        self.wechat.pay(number)
        self.callbacks.append((self.system.payment.settlement, self.wechat.verdict(number, "callback")))

    @some(lambda self: self.callbacks)
    @rule(choice=CHOICE)
    def a_callback_arrives(self, choice: int) -> None:
        """Any that WeChat ever sent, again or for the first time."""
        door, verdict = self.callbacks[choice % len(self.callbacks)]
        self.do(door.apply(verdict))

    def events(self) -> list[dict[str, Any]]:
        query = "select event_id, topic, event from outbox order by id"
        return [row for service in ("payment", "order") for row in self.shelves.rows(service, query)]

    @some(events)
    @rule(choice=CHOICE)
    def an_event_arrives(self, choice: int) -> None:
        events = self.events()
        self.deliver(events[choice % len(events)])

    @some(events)
    @rule()
    def the_newest_events_arrive(self) -> None:
        for event in self.events()[::-1]:
            self.deliver(event)

    def deliver(self, row: dict[str, Any]) -> bool:
        """Returns whether the consumer took it."""
        try:
            taken = self.do(self.system.consumers[row["topic"]].apply(row["event"]))
        except Poison as error:
            raise AssertionError(f"{row['topic']}: {error}") from error
        for service in ("payment", "order"):
            self.shelves.rows(service, "update outbox set published_at = now() where event_id = %s", row["event_id"])
        return taken

    @rule(minded=st.sampled_from([True, False, False]))
    def the_guest_cancels(self, minded: bool) -> None:
        if minded:
            self.do(self.system.order_closing.cancel(BUYER, self.sn))

    @some(lambda self: self.callbacks)
    @rule()
    def the_guest_wants_the_money_back(self) -> None:
        self.do(self.system.order_refunds.request(BUYER, self.sn, ""))

    @some(lambda self: self.callbacks)
    @rule()
    def the_guest_wants_more_than_the_policy_gives(self) -> None:
        self.do(self.system.order_refunds.request(BUYER, self.sn, "", refund_fen=19900))

    @some(lambda self: self.callbacks)
    @rule(agree=st.booleans(), fen=st.sampled_from([None, 1, 9950, 19900]))
    def the_merchant_decides(self, agree: bool, fen: int | None) -> None:
        """Asked or not, once or twice; who never does is made good by the cron."""
        self.do(self.system.order_refunds.decide(MERCHANT, self.sn, agree=agree, note="", refund_fen=fen))

    @some(lambda self: self.callbacks)
    @rule(fen=st.sampled_from([*GIFTS]))
    def the_merchant_gives_more(self, fen: int) -> None:
        """Each amount once, however often it is clicked: two messages with one text could not be told apart."""
        query = "select 1 from order_refund where cause = 'goodwill' and refund_fen = %s and state = 'returned'"
        if GIFTS[fen] or not self.shelves.rows("order", query, fen):
            self.do(self.system.goodwill.give(MERCHANT, self.sn, fen, note="", request_key=GIFTS[fen]))

    @some(lambda self: self.callbacks)
    @rule()
    def the_guest_arrives(self) -> None:
        [order] = self.shelves.rows("order", "select checkin_code from homestay_order where sn = %s", self.sn)
        if order["checkin_code"]:
            self.do(self.system.checkin.verify(MERCHANT, order["checkin_code"]))

    @rule(line=st.sampled_from(Line))
    def the_line_to_wechat_changes(self, line: Line) -> None:
        self.wechat.line = line

    @rule(away=st.booleans())
    def services_lose_and_find_one_another(self, away: bool) -> None:
        self.system.peers_are_away = away

    @rule(minutes=st.sampled_from([1, 1, 1, 6, 6, 6, 6, 31, 31, 6 * 31, 60 * 27]))
    def time_passes(self, minutes: int) -> None:
        self.clock.pass_by(minutes=minutes)

    @rule()
    def cron_ticks(self) -> None:
        self.do(self.system.tick())

    @rule()
    def a_refund_is_carried_out(self) -> None:
        self.do(self.system.payment.submission.submit_due())

    @rule()
    def messages_are_sent(self) -> None:
        self.do(self.system.deliver_due_messages())

    def processing(self) -> list[str]:
        return [number for number, row in self.wechat.refunds.items() if row["status"] == "PROCESSING"]

    @some(processing)
    @rule(status=st.sampled_from(["SUCCESS", "SUCCESS", "CLOSED", "ABNORMAL"]), overtaken=st.booleans())
    def the_bank_ends_a_refund(self, status: str, overtaken: bool) -> None:
        number = self.processing()[0]
        if overtaken:
            self.callbacks.append(
                (self.system.payment.refund_settlement, self.wechat.refund_verdict(number, "callback"))
            )
        self.wechat.end_refund(number, status)
        self.callbacks.append((self.system.payment.refund_settlement, self.wechat.refund_verdict(number, "callback")))

    @rule(refuses=st.booleans())
    def the_guests_account_closes_and_opens(self, refuses: bool) -> None:
        self.wechat.refuses_refunds = refuses

    def refunds(self, state: str) -> list[str]:
        query = "select sn from refund where state = %s order by id"
        return [row["sn"] for row in self.shelves.rows("payment", query, state)]

    @some(lambda self: self.refunds("abnormal"))
    @rule()
    def an_operator_sends_a_refund_elsewhere(self) -> None:
        self.do(self.system.payment.rescue.reroute(OPERATOR, self.refunds("abnormal")[0], None, note="why"))

    @some(lambda self: self.refunds("closed"))
    @rule(choice=CHOICE)
    def an_operator_begins_a_refund_again(self, choice: int) -> None:
        closed = self.refunds("closed")
        self.do(self.system.payment.rescue.reissue(OPERATOR, closed[choice % len(closed)], note="why"))

    @invariant()
    def nothing_is_wrong_or_doubled(self) -> None:
        """At every moment; that nothing is lost can be said only when all has arrived."""
        if self.sn:
            books = self.shelves.books(self.wechat)
            told = list(checker.every_change_was_told_once(books))
            rules = [*checker.no_order_paid_for_nothing(books), *checker.orders_move_legally(books)]
            rules += checker.payments_move_legally(books)
            assert told == []
            assert [each for each in rules if each.kind in {WRONG, DOUBLED}] == []

    def teardown(self) -> None:
        """Everything arrives in the end, some of it twice, but for the merchant's decision; then all books must agree."""
        if not self.sn:
            return
        self.wechat.line, self.system.peers_are_away, self.wechat.refuses_refunds = Line.GOOD, False, False
        taken, begun = set[str](), 0
        for turn in range(16):  # a day for the merchant, and as long again for the money
            again = turn in ALL_AGAIN
            for number in range(0 if again else begun, len(self.callbacks)):
                self.a_callback_arrives(number)
            begun = len(self.callbacks)
            for event in self.events():
                if (again or event["event_id"] not in taken) and self.deliver(event):
                    taken.add(event["event_id"])
            self.do(self.system.tick())
            for number in self.processing():
                self.wechat.end_refund(number, "SUCCESS")
            self.clock.pass_by(hours=3)
        books = self.shelves.books(self.wechat)
        hypothesis_event(f"ends at {books.orders[self.sn]['trade_state']}")
        assert checker.check(books, []) == []


@pytest.fixture(scope="module")
def urls(postgres) -> dict[str, str]:
    return {name: postgres.migrated(name, f"minsu_lifecycle_{name}") for name in SERVICES}


@pytest.fixture
def shelves(urls) -> Iterator[Shelves]:
    opened = Shelves(urls)
    yield opened
    opened.close()


def test_every_interleaving_ends_with_all_books_agreed(urls, shelves) -> None:
    dbs = {name: Database(url) for name, url in urls.items()}
    run_machine(Lifecycle, dbs.values(), examples=40, steps=30, shelves=shelves, dbs=dbs)
