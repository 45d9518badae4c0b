"""A day's bill and a day's earnings on the real parts: asked for by an operator, answered by the sandbox and by order."""

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.days_past import let_days_pass, purchase
from tests.support.orders import REFUNDED, WAIT_USE
from tests.support.refunding import book_ahead, fault, payment, refunds
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SHANGHAI = timezone(timedelta(hours=8))


def ops(system, *arguments):
    return json.loads(system.cli("minsu", "ops", *arguments, "--json").stdout)


def day(before):
    return str((datetime.now(UTC) - timedelta(days=before)).astimezone(SHANGHAI).date())


def test_a_day_without_business_is_reconciled_and_says_so(system):
    answer = ops(system, "reconcile", "--note", "why", "--date", day(before=9))
    assert (answer["run"]["state"], answer["run"]["hasBill"], answer["run"]["payments"]) == ("done", False, 0)
    assert answer["differences"] == []
    assert ops(system, "reconcile", "--note", "why", "--date", day(before=9))["run"] == answer["run"]


def test_a_day_whose_bill_is_not_there_yet_says_why(system):
    done = system.cli(
        "minsu", "ops", "reconcile", "--note", "why", "--date", day(before=0), "--timeout", "5", check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the reconciliation of {day(before=0)} is not done: " in done.stderr
    for absurd in (day(before=-1), day(before=92)):
        done = system.cli("minsu", "ops", "reconcile", "--note", "why", "--date", absurd, check=False)
        assert "(field date)" in done.stderr


def test_payment_asks_order_for_the_stays_of_a_day_and_settles_it(system):
    ops(system, "payout", "--note", "why", "--date", day(before=9))
    settled = "select 1 from payout_day where day = %s and completed_at is not null"
    eventually(lambda: system.rows("payment", settled, day(before=9)), what="the day is settled")
    assert ops(system, "payouts", "--date", day(before=9)) == []


def test_a_day_that_is_not_over_is_not_settled(system):
    done = system.cli("minsu", "ops", "payout", "--note", "why", "--date", day(before=0), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "(field date)" in done.stderr


@contextmanager
def an_awkward_bill(system: System, on: str, **numbers: str) -> Iterator[None]:
    """The sandbox's bill faults, each for the payment of that name; three payments of another app beside them."""
    with ExitStack() as faults:
        for name, number in numbers.items():
            faults.enter_context(fault(system, f"bill-{name.replace('_', '-')}", number, times=None))
        faults.enter_context(fault(system, "bill-foreign", on, times=None, value=3))
        yield


def given_back(system: System, order_sn: str) -> None:
    system.data("/order/v1/homestayOrder/refundHomestayOrder", {"sn": order_sn, "reason": ""}, "BUYER")
    eventually(lambda: system.order(order_sn)["tradeState"] == REFUNDED, what="the refund")


def test_a_day_with_everything_that_a_bill_may_hold_reconciles_to_the_fen(system: System) -> None:
    days_ago = 12 + secrets.randbelow(74)  # a day of its own, also on a system that is kept between runs
    on = day(before=days_ago)
    awkward, unreadable, of_next_day = (purchase(system)[1] for _ in range(3))
    order_sn, refunded = purchase(system)
    given_back(system, order_sn)
    order_sn, from_balance = purchase(system)
    with fault(system, "refund-available", from_balance):
        given_back(system, order_sn)
    unheard = book_ahead(system)
    missed = str(system.prepay(unheard)["paymentSn"])
    system.rows("payment", "update third_payment set due_at = now() + interval '1 hour' where sn = %s", missed)
    with fault(system, "callback-lost", missed):
        system.tap_pay(missed)
    for number in (awkward, unreadable, refunded, from_balance, missed):
        let_days_pass(system, number, days_ago)
    let_days_pass(system, of_next_day, days_ago - 1)
    total = payment(system, awkward)["total_fen"]

    with an_awkward_bill(system, on, awkward=awkward, unreadable=unreadable, other_day=of_next_day):
        answer = ops(system, "reconcile", "--note", "why", "--date", on)
        again = ops(system, "reconcile", "--note", "why", "--date", on)
        next_day = ops(system, "reconcile", "--note", "why", "--date", day(before=days_ago - 1))

    run = answer["run"]
    assert (run["state"], run["payments"], run["paymentsFen"]) == ("done", 8, 5 * total + 3000)
    assert (run["notOursPayments"], run["notOursPaymentsFen"], run["notOursRefunds"]) == (3, 3000, 0)
    assert (run["refunds"], run["refundsFen"], run["ofOtherDays"], run["unreadable"]) == (1, total, 1, 1)
    found = {each["number"]: (each["kind"], each["subject"], each["outcome"]) for each in answer["differences"]}
    [line] = [number for number in found if number.startswith("line ")]
    assert found == {
        line: ("unreadable", "line", "review"),
        missed: ("state", "payment", "settled"),
        refunds(system, from_balance)[0]["sn"]: ("missing_there", "refund", "mended"),
    }
    eventually(lambda: system.order(unheard)["tradeState"] == WAIT_USE, what="its order hears of it")
    assert again == answer
    assert of_next_day not in [each["number"] for each in next_day["differences"]]
    opened = [each for each in ops(system, "notices", "--state", "needs_review") if on in each["detail"]]
    assert [(each["reason"], each["outTradeNo"], each["seen"]) for each in opened] == [("unreadable", f"bill {on}", 1)]
    assert unreadable in opened[0]["detail"]
    resolved = ops(system, "resolve", str(opened[0]["id"]), "--note", "read by hand: agrees")
    assert resolved["state"] == "resolved"
