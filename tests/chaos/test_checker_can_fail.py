"""A checker that never complains proves nothing: essential parts are switched off, from outside, and it must say so."""

import asyncio
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.chaos import books, quiet
from tests.chaos.client import Client
from tests.chaos.findings import DOUBLED, LOST, WRONG
from tests.chaos.journal import Journal
from tests.chaos.load import Load
from tests.chaos.run import judge

pytestmark = pytest.mark.stack
GUESTS = 4
PUBLISH_AGAIN = "update outbox set published_at = null where partition_key = any(%s)"
TASKS_KEY = "uq_notification_task_order_sn_kind_subject"


@contextmanager
def broken(machine, service, how):
    """`service` runs without what `broken/` knows as `how`, until the end of the block."""
    machine.kill(service)
    machine.revive(service, machine.broken(service, how))
    try:
        yield
    finally:
        machine.kill(service)
        machine.revive(service)


async def visit(machine, journal, *, plan="pays", grant=0, patience=8.0):
    """A few guests book and live by `plan`; `grant` lets WeChat take that many messages more for each of them."""
    known = await asyncio.to_thread(books.order_numbers, machine)
    client = Client(machine.env, f"http://127.0.0.1:{machine.real_port('wechatsim')}", journal)
    try:
        load = Load(1, client, journal, machine.env, expire=None, begin=None, first=len(known) + 1, plans={plan: 1})
        for _ in range(GUESTS):
            load.let_in(patience)
        await load.finish(40)
        for entry in journal.of("booked") if grant else ():
            await client.sim("POST", "/_sim/grant", {"openid": entry["openid"], "count": grant})
    finally:
        await client.close()


def findings(machine, before, journal, seconds=8.0):
    asyncio.run(quiet.wait(machine, seconds, before))
    return judge(books.read(machine).without(before), journal)


def test_the_whole_build_has_nothing_to_complain_of(machine):
    before, journal = books.order_numbers(machine), Journal()

    asyncio.run(visit(machine, journal, patience=60))

    assert findings(machine, before, journal, 40) == []
    assert len(books.order_numbers(machine) - before) == GUESTS


def test_without_paymentss_outbox_paid_orders_are_reported_lost(machine):
    before, journal = books.order_numbers(machine), Journal()

    with broken(machine, "payment", "outbox"):
        asyncio.run(visit(machine, journal))
        found = findings(machine, before, journal)

    orphans = [each for each in found if each.kind == LOST and "WeChat holds" in each.what]
    assert len(orphans) == GUESTS


def test_without_orders_outbox_the_missing_messages_are_reported_lost(machine):
    before, journal = books.order_numbers(machine), Journal()

    with broken(machine, "order", "outbox"):
        asyncio.run(visit(machine, journal))
        found = findings(machine, before, journal)

    assert sum(each.kind == LOST and "0 of 2 messages came" in each.what for each in found) == GUESTS


def test_without_the_message_of_a_refund_each_refunded_guest_is_reported_untold(machine):
    before, journal = books.order_numbers(machine), Journal()

    with broken(machine, "notification", "refund messages"):
        asyncio.run(visit(machine, journal, plan="refunds", patience=60))
        found = findings(machine, before, journal, 40)

    assert {(each.kind, each.what.partition(",")[2]) for each in found} == {
        (LOST, " and 1 times its guest was not told")
    }
    assert len(found) == GUESTS


def test_without_nights_that_are_taken_each_order_is_reported(machine):
    before, journal = books.order_numbers(machine), Journal()

    with broken(machine, "order", "nights"):
        asyncio.run(visit(machine, journal, patience=60))
        found = findings(machine, before, journal, 40)

    assert sum(each.kind == WRONG and "holds 0 nights" in each.what for each in found) == GUESTS
    assert sum(each.kind == DOUBLED and "there is room for 0" in each.what for each in found) >= 1


def test_without_an_inbox_and_a_key_the_second_message_is_reported_doubled(machine):
    """The inbox alone is not enough to break it: a task is unique by order and kind as well, and WeChat admits one
    message. Without all three a repeated event takes effect twice."""
    before, journal = books.order_numbers(machine), Journal()
    database = machine.real_url("notification")
    books.rows(database, f"alter table notification_task drop constraint {TASKS_KEY}")

    try:
        with broken(machine, "notification", "inbox"):
            asyncio.run(visit(machine, journal, grant=3))
            findings(machine, before, journal)
            mine = list(books.order_numbers(machine) - before)
            books.rows(machine.real_url("order"), PUBLISH_AGAIN, mine)
            found = findings(machine, before, journal, 20)
    finally:
        books.rows(database, "delete from delivery_attempt")
        books.rows(database, "delete from notification_transition")
        books.rows(database, "delete from notification_task")
        books.rows(
            database, f"alter table notification_task add constraint {TASKS_KEY} unique (order_sn, kind, subject)"
        )

    kinds = Counter(each.kind for each in found)
    assert kinds[DOUBLED] == GUESTS * 2
    assert kinds[LOST] == GUESTS  # events that no inbox has as taken


def test_with_the_inbox_a_repeated_event_does_nothing(machine):
    before, journal = books.order_numbers(machine), Journal()

    asyncio.run(visit(machine, journal, grant=3, patience=60))
    assert findings(machine, before, journal, 40) == []
    mine = list(books.order_numbers(machine) - before)
    for service in ("order", "payment"):
        books.rows(machine.real_url(service), PUBLISH_AGAIN, mine)

    assert findings(machine, before, journal, 40) == []
