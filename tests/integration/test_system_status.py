"""How the services run, as they tell operators, on the real parts: sidecars, cron bindings, topics."""

import json

import pytest

from tests.support.frozen import Frozen
from tests.support.orders import WAIT_USE, has_state
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SELDOM = ("daily", "forget", "travel-compare-nights")
"""In the names of jobs whose first tick a test does not wait for: a day or a minute."""


def ops(system, *arguments):
    return json.loads(system.cli("minsu", "ops", *arguments, "--json").stdout)


def test_every_service_reads_what_it_should_and_its_cron_ticks(system):
    def settled():
        found = ops(system, "system")
        jobs = [job for each in found if not each["problem"] for job in each["jobs"]]
        return found if all(job["at"] for job in jobs if not any(part in job["name"] for part in SELDOM)) else None

    found = eventually(settled, seconds=90, what="a tick of every job that comes often")
    assert [each["problem"] for each in found] == [None] * 6
    for each in found:
        assert (each["databaseProblem"], each["sidecar"]["problem"]) == (None, None), each["service"]
        assert each["sidecar"]["version"], each["service"]
        assert [topic for topic in each["subscriptions"] if not (topic["wanted"] and topic["active"])] == []
        assert [job["name"] for job in each["jobs"] if not job["hasCron"]] == []
        assert [job["error"] for job in each["jobs"] if job["at"] and job["claimed"] is None] == []
    replicas = {each["service"]: each["replicas"] for each in found}
    assert replicas["gateway"] is None
    assert all(sum(row["up"] for row in rows) == 1 for service, rows in replicas.items() if service != "gateway")
    lines = system.cli("minsu", "ops", "system").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [each["service"] for each in found]


def test_an_events_way_is_seen_at_both_ends(system):
    order_sn = system.book()
    system.tap_pay(system.prepay(order_sn)["paymentSn"])
    eventually(has_state(system, order_sn, WAIT_USE), what="the order turned paid")
    [topic] = [each for each in ops(system, "topics") if each["topic"] == "payment-update-paystatus-topic"]
    assert topic["consumer"] == "order"
    assert topic["occurredAt"] < topic["handledAt"]
    assert topic["publishedAt"] is not None
    assert topic["retriedAt"] is None or topic["retriedAt"] < topic["handledAt"]


def test_a_service_that_is_stopped_is_said_to_be_and_the_others_are_told(system):
    assert [each["problem"] for each in ops(system, "system")] == [None] * 6
    with Frozen(system, "notification"):
        found = {each["service"]: each for each in ops(system, "system")}
    assert found.pop("notification")["problem"]
    assert {each["problem"] for each in found.values()} == {None}
