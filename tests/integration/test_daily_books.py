"""A day's bill and a day's earnings on the real parts: asked for by an operator, answered by the sandbox and by order."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SHANGHAI = timezone(timedelta(hours=8))


def ops(system, *arguments):
    return json.loads(system.cli("minsu", "ops", *arguments, "--json").stdout)


def day(before):
    return str((datetime.now(UTC) - timedelta(days=before)).astimezone(SHANGHAI).date())


def test_a_day_without_business_is_reconciled_and_says_so(system):
    answer = ops(system, "reconcile", "--date", day(before=9))
    assert (answer["run"]["state"], answer["run"]["hasBill"], answer["run"]["payments"]) == ("done", False, 0)
    assert answer["differences"] == []
    assert ops(system, "reconcile", "--date", day(before=9))["run"] == answer["run"]


def test_a_day_whose_bill_is_not_there_yet_says_why(system):
    done = system.cli("minsu", "ops", "reconcile", "--date", day(before=0), "--timeout", "5", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the reconciliation of {day(before=0)} is not through: " in done.stderr
    for absurd in (day(before=-1), day(before=92)):
        done = system.cli("minsu", "ops", "reconcile", "--date", absurd, check=False)
        assert "(field date)" in done.stderr


def test_payment_asks_order_for_the_stays_of_a_day_and_settles_it(system):
    ops(system, "settle", "--date", day(before=9))
    settled = "select 1 from settlement_day where day = %s and settled_at is not null"
    eventually(lambda: system.rows("payment", settled, day(before=9)), what="the day is settled")
    assert ops(system, "settlements", "--date", day(before=9)) == []


def test_a_day_that_is_not_over_is_not_settled(system):
    done = system.cli("minsu", "ops", "settle", "--date", day(before=0), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "(field date)" in done.stderr
