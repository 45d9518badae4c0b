"""Prometheus sees every part under its name, and evaluates every rule that we ship."""

import pytest
import yaml

from stack import observability
from tests.support.services import SERVICES
from tests.support.stack import REPO
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def scraped(prometheus):
    targets = prometheus.targets()
    return targets if all(one["health"] == "up" for one in targets.values()) else None


def test_every_app_and_every_sidecar_is_scraped_under_the_apps_name(prometheus):
    targets = eventually(lambda: scraped(prometheus), seconds=60, what="every target was scraped")
    labels = {(one["labels"]["app"], one["labels"]["job"], name) for name, one in targets.items()}
    assert labels == {(name, name, name) for name in SERVICES} | {(name, "daprd", f"{name}-daprd") for name in SERVICES}


def test_every_rule_is_evaluated_without_an_error(prometheus):
    shipped = {
        rule.get("alert") or rule["record"]
        for file in observability.rule_files(REPO)
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    }
    assert set(prometheus.rules()) == shipped

    def judged():
        rules = prometheus.rules().values()
        return rules if all(rule["health"] != "unknown" for rule in rules) else None

    for rule in eventually(judged, seconds=60, what="every rule was evaluated"):
        assert (rule["health"], rule.get("lastError", "")) == ("ok", ""), rule["name"]


def test_a_request_and_its_hop_are_counted_where_they_were_served(prometheus, system):
    system.book()
    route = 'http_route="/order/v1/homestayOrder/createHomestayOrder",http_response_status_code="200"'
    served = f'http_server_request_duration_seconds_count{{app="order",{route}}}'
    hop = 'sum by (app, job) (dapr_http_server_request_count{app="order"})'

    def counted(expression):
        return [each["metric"]["job"] for each in prometheus.query(expression) if float(each["value"][1]) >= 1]

    eventually(lambda: counted(served) == ["order"], seconds=30, what="order has counted the request")
    eventually(lambda: counted(hop) == ["daprd"], seconds=30, what="its sidecar has counted calls")


def test_a_healthy_system_raises_no_alert(prometheus):
    eventually(lambda: scraped(prometheus), seconds=60, what="every target was scraped")
    eventually(lambda: prometheus.alerts() == [], seconds=90, what="no alert is pending or fires")
