"""What `minsu ops` asks of payment and order about money."""

import pytest

from minsu import ops_money
from minsu.api import Api
from tests.unit.minsu.conftest import ok


@pytest.fixture
def api(world):
    with Api("http://minsu", transport=world.transport) as api:
        yield api


def path(service, name):
    return f"/{service}/v1/ops/{name}"


def test_payments_are_asked_for_by_state_and_age(world, api):
    world.answers[path("payment", "paymentList")] = lambda _: ok({"list": [{"id": 1}]})
    assert ops_money.payments(api, status=0, older_than=600, count=5) == [{"id": 1}]
    assert ops_money.payments(api, status=None, older_than=None, count=5) == [{"id": 1}]
    assert [body for _, body, _ in world.asked] == [
        {"payStatus": 0, "olderThanSeconds": 600, "lastId": 0, "pageSize": 5},
        {"lastId": 0, "pageSize": 5},
    ]


def test_statistics_are_those_of_payment_and_order(world, api):
    world.answers[path("payment", "paymentStatistics")] = lambda _: ok({"paid": [1], "failures": [2]})
    world.answers[path("order", "confirmationStatistics")] = lambda _: ok({"confirmed": [3]})
    found = ops_money.statistics(api, hours=2, step_minutes=15)
    assert found == {"paid": [1], "failures": [2], "confirmed": [3]}
    assert [body for _, body, _ in world.asked] == [{"hours": 2, "stepMinutes": 15}] * 2


@pytest.mark.parametrize(
    ("name", "member", "ask"),
    [
        ("reconciliationRunList", "date", ops_money.reconciliations),
        ("payoutDayList", "day", ops_money.payout_days),
    ],
)
def test_days_are_followed_until_a_page_is_not_full(world, api, name, member, ask):
    pages = {None: [{member: f"2026-11-{100 - n}"} for n in range(100)], "2026-11-1": [{member: "2026-10-31"}]}
    world.answers[path("payment", name)] = lambda body: ok({"list": pages[body.get("before")]})
    found = ask(api, count=1000)
    assert (len(found), found[-1][member]) == (101, "2026-10-31")
    assert [body for _, body, _ in world.asked] == [{"pageSize": 100}, {"before": "2026-11-1", "pageSize": 100}]


def test_what_should_end_is_one_list(world, api):
    world.answers[path("payment", "unfinishedStatus")] = lambda _: ok({"list": [{"subject": "payment"}]})
    assert ops_money.unfinished(api) == [{"subject": "payment"}]
