"""The cluster's collector, on the pinned version of its components: a valid configuration that keeps the right traces."""

import os
import secrets
import subprocess
import time

import httpx
import pytest
import yaml

from stack import children
from stack.layout import REPO
from stack.setup import jaeger as jaeger_setup
from tests.deploy.manifests import K8S
from tests.support.ports import free_port
from tests.support.waiting import eventually

CONFIG = K8S / "observability" / "collector-config.yaml"
SECOND = 1_000_000_000
STATUS_ERROR = 2
pytestmark = pytest.mark.stack


@pytest.fixture(scope="session")
def binary():
    """Jaeger is a collector with the components that ours is configured of, in the same version."""
    return jaeger_setup.install(REPO, REPO / ".tools" / "logs")


def validated(binary, file):
    told = os.environ | {"TRACES_URL": "http://127.0.0.1:1"}
    return subprocess.run([binary, "validate", "--config", file], env=told, capture_output=True, text=True, check=False)


def test_the_configuration_is_valid(binary, tmp_path):
    done = validated(binary, CONFIG)
    assert done.returncode == 0, done.stderr

    misspelt = tmp_path / "config.yaml"
    misspelt.write_text(CONFIG.read_text().replace("decision_wait", "decision_waits"))
    refused = validated(binary, misspelt)
    assert refused.returncode != 0
    assert "decision_waits" in refused.stderr


@pytest.fixture
def collector(binary, observed, tmp_path):
    """The same configuration on free ports of loopback, exporting to the system's Jaeger; yields where it takes spans. It
    decides after a second, and keeps nothing of the rest, so that the test can tell."""
    config = yaml.safe_load(CONFIG.read_text())
    otlp, health, metrics = free_port(), free_port(), free_port()
    config["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{otlp}"
    config["extensions"]["healthcheckv2"]["http"]["endpoint"] = f"127.0.0.1:{health}"
    exporter = config["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    exporter |= {"host": "127.0.0.1", "port": metrics}
    sampling = config["processors"]["tail_sampling"]
    sampling["decision_wait"] = "1s"
    [rest] = [each for each in sampling["policies"] if each["name"] == "some-of-the-rest"]
    rest["probabilistic"]["sampling_percentage"] = 0
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    log = (tmp_path / "collector.log").open("wb")
    told = os.environ | {"TRACES_URL": observed["JAEGER_OTLP_URL"]}
    with log, children.child([binary, "--config", file], env=told, stdout=log, stderr=log):
        eventually(lambda: ready(health), seconds=30, what="the collector is ready")
        yield f"http://127.0.0.1:{otlp}/v1/traces"


def ready(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/status", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def send(url, service, *, took=0.01, status=0, **attributes):
    """One trace of one span."""
    end = time.time_ns()
    span = {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": "work",
        "kind": 1,
        "startTimeUnixNano": str(end - int(took * SECOND)),
        "endTimeUnixNano": str(end),
        "attributes": [
            {"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in attributes.items()
        ],
        "status": {"code": status},
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    httpx.post(url, json=body, timeout=5).raise_for_status()


def test_it_keeps_failures_reviews_and_what_was_slow_and_drops_the_rest(collector, observed):
    send(collector, "plain-trace")
    send(collector, "failed-trace", status=STATUS_ERROR)
    send(collector, "review-trace", minsu__review="amount")
    send(collector, "slow-trace", took=2.5)

    kept = {"failed-trace", "review-trace", "slow-trace"}

    def services():
        names = httpx.get(f"{observed['JAEGER_URL']}/api/services", timeout=5).json()["data"] or []
        return {name for name in names if name.endswith("-trace")}

    eventually(lambda: services() >= kept, seconds=20, what="the collector handed on three traces")
    assert services() == kept
