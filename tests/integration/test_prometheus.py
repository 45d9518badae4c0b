"""A real Prometheus, configured as `make up OBS=1` does it, beside the running system: it sees every part, and
evaluates every rule that we ship. Jaeger is not needed for that."""

import subprocess

import pytest
import yaml

from stack import children, layout, observability
from tests.support.ports import free_port
from tests.support.prometheus import Prometheus
from tests.support.services import SERVICES
from tests.support.stack import REPO
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def prometheus(system, tmp_path_factory):
    told = {"MINSU_RUN_DIR": system.environment["RUN_DIR"], "OBS": "1", "PORT_PROMETHEUS": str(free_port())}
    planned = layout.plan(told)
    program = observability.prometheus_program(planned)
    client = Prometheus(planned.url("prometheus"))
    log = (tmp_path_factory.mktemp("prometheus") / "log").open("wb")
    with log, children.child(program.argv, env=program.env, stdout=log, stderr=subprocess.STDOUT):
        eventually(client.is_ready, seconds=30, what="Prometheus is ready")
        yield client
    client.close()


def test_every_app_and_every_sidecar_is_scraped_under_the_apps_name(prometheus):
    targets = eventually(prometheus.all_up, seconds=60, what="every target was scraped")
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
