"""A day's bill with business on it, downloaded from the sandbox, against our books; and what the day earned.

The rows of these purchases are moved to a day that is over (tests/support/days_past.py). Nothing else is touched.
"""

import json
import secrets
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.support.days_past import let_days_pass, purchase
from tests.support.orders import REFUNDED, USED, WAIT_USE
from tests.support.refunding import book_ahead, fault, pay, payment
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SHANGHAI = timezone(timedelta(hours=8))
FEE = 0.006
DAYS_AGO = iter(secrets.SystemRandom().sample(range(12, 86), 74))


def ops(system: System, *arguments: str) -> Any:
    return json.loads(system.cli("minsu", "ops", *arguments, "--json").stdout)


@pytest.fixture
def days_ago() -> int:
    """A day of this test's own, most likely also on a system that is kept between runs."""
    return next(DAYS_AGO)


@pytest.fixture
def day(days_ago: int) -> date:
    return (datetime.now(UTC) - timedelta(days=days_ago)).astimezone(SHANGHAI).date()


def test_a_days_bill_agrees_but_for_the_payment_whose_callback_was_lost_and_that_one_is_settled(
    system: System, days_ago: int, day: date
) -> None:
    _, kept = purchase(system)
    given_back, refunded = purchase(system)
    system.data("/order/v1/homestayOrder/refundHomestayOrder", {"sn": given_back, "reason": ""}, "BUYER")
    eventually(lambda: system.order(given_back)["tradeState"] == REFUNDED, what="the refund")
    unheard = book_ahead(system)
    missed = str(system.prepay(unheard)["paymentSn"])
    system.rows("payment", "update third_payment set due_at = now() + interval '1 hour' where sn = %s", missed)
    with fault(system, "callback-lost", missed):
        system.tap_pay(missed)
    for number in (kept, refunded, missed):
        let_days_pass(system, number, days_ago)
    total = payment(system, kept)["total_fen"]

    answer = ops(system, "reconcile", "--note", "why", "--date", str(day))

    run = answer["run"]
    assert (run["state"], run["hasBill"], run["payments"], run["paymentsFen"]) == ("done", True, 3, 3 * total)
    assert (run["refunds"], run["refundsFen"]) == (1, total)
    [difference] = answer["differences"]
    assert {name: difference[name] for name in ("kind", "subject", "number", "repair", "outcome")} == {
        "kind": "state",
        "subject": "payment",
        "number": missed,
        "repair": "settle",
        "outcome": "settled",
    }
    eventually(lambda: system.order(unheard)["tradeState"] == WAIT_USE, what="its order hears of it")
    again = ops(system, "reconcile", "--note", "why", "--date", str(day))
    assert again["differences"] == answer["differences"]
    assert payment(system, missed)["version"] == 2


def test_a_stay_that_began_on_a_day_is_what_its_business_earned(system: System, days_ago: int, day: date) -> None:
    order_sn = system.book()
    number = pay(system, order_sn)
    eventually(lambda: system.order(order_sn)["tradeState"] == WAIT_USE, what="the order is paid")
    code = system.order(order_sn)["tradeCode"]
    assert system.data("/order/v1/merchant/verifyTradeCode", {"tradeCode": code}, "MERCHANT")["tradeState"] == USED
    let_days_pass(system, number, days_ago)
    system.rows("order", "alter table order_transition disable trigger user")  # it is append-only for every role
    try:
        system.rows(
            "order",
            "update order_transition set created_at = created_at - make_interval(days => %s)"
            " where order_id = (select id from homestay_order where sn = %s)",
            days_ago,
            order_sn,
        )
    finally:
        system.rows("order", "alter table order_transition enable trigger user")
    total = payment(system, number)["total_fen"]

    ops(system, "payout", "--note", "why", "--date", str(day))
    [record] = eventually(lambda: ops(system, "payouts", "--date", str(day)), what="the day's record")

    fee = round(total * FEE)
    assert {name: record[name] for name in ("day", "seq", "stays", "staysFen", "refunds", "feeFen", "netFen")} == {
        "day": str(day),
        "seq": 1,
        "stays": 1,
        "staysFen": total,
        "refunds": 0,
        "feeFen": fee,
        "netFen": total - fee,
    }
    ops(system, "payout", "--note", "why", "--date", str(day))
    settled = "select 1 from payout_day where day = %s and completed_at is not null"
    eventually(lambda: system.rows("payment", settled, day), what="the day is settled once more")
    assert ops(system, "payouts", "--date", str(day)) == [record]
