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


def test_a_request_is_counted_where_it_was_served(prometheus, system):
    system.book()

    def counted():
        found = prometheus.query('up{app="order"}')
        return sorted(each["metric"]["job"] for each in found) == ["daprd", "order"] and found

    found = eventually(counted, seconds=30, what="order and its sidecar are up in Prometheus")
    assert {each["value"][1] for each in found} == {"1"}
