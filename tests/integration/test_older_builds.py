"""A build that does not know an event, on a real sidecar and a real Kafka: nothing of it is lost."""

import contextlib
import os
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from stack import children, kafka_admin
from stack.kafka_admin import Broker
from tests.integration.later import NAME, PATH, TOPIC
from tests.support.kafka import as_admin
from tests.support.ports import free_ports
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
REPO = Path(__file__).resolve().parents[2]
TOKEN = "0123456789abcdef"
EVENTS = {f"event-{number}" for number in range(20)}


@contextlib.contextmanager
def running(argv, log, **environment):
    with log.open("a") as output:
        process = children.start(argv, env=os.environ | environment, stdout=output, stderr=output, cwd=REPO)
    try:
        yield process
    finally:
        children.end(process, within=40)


@pytest.fixture
def later(stack, postgres, tmp_path):
    """The topics, a sidecar that reads them for `later`, and a function that runs one of its builds."""
    broker = Broker(stack["KAFKA_BROKERS"], stack["KAFKA_ADMIN_PASSWORD"])
    kafka_admin.create_topics(broker, {TOPIC: 3, f"{TOPIC}.{NAME}.dlq": 1})
    resources = tmp_path / "resources"
    resources.mkdir()
    documents = [
        *_adapted("components/pubsub.yaml", lambda one: as_admin(one, broker)),
        *_adapted("dapr/resiliency/services.yaml"),
        *_adapted("dapr/subscriptions/order-payment-status.yaml", _for_later(TOPIC, PATH)),
        *_adapted(
            "dapr/subscriptions/order-payment-status-dead-letters.yaml",
            _for_later(f"{TOPIC}.{NAME}.dlq", f"/events/dead-letters/{TOPIC}"),
        ),
    ]
    (resources / "all.yaml").write_text(yaml.safe_dump_all(documents))
    app_port, http, grpc, internal, metrics = free_ports(5)
    common = {
        "APP_API_TOKEN": TOKEN,
        "APP_PORT": str(app_port),
        "DAPR_HTTP_PORT": str(http),
        "DATABASE_URL": postgres.create("later_tests"),
        "DRAIN_SECONDS": "0",
    }

    def build(**environment):
        return running([sys.executable, "-m", "tests.integration.later"], tmp_path / "app.log", **common, **environment)

    sidecar = [
        str(REPO / ".tools/bin/daprd"), "--app-id", NAME, "--app-port", str(app_port), "--app-protocol", "http",
        "--dapr-http-port", str(http), "--dapr-grpc-port", str(grpc), "--dapr-internal-grpc-port", str(internal),
        "--metrics-port", str(metrics), "--dapr-listen-addresses", "127.0.0.1", "--resources-path", str(resources),
        "--placement-host-address", "", "--scheduler-host-address", "", "--enable-app-health-check",
        "--app-health-check-path", "/livez", "--app-health-probe-interval", "1", "--app-health-threshold", "2",
    ]  # fmt: skip
    with running(sidecar, tmp_path / "daprd.log", APP_API_TOKEN=TOKEN, DAPR_HOST_IP="127.0.0.1"):
        yield build, f"http://127.0.0.1:{app_port}", f"http://127.0.0.1:{http}", tmp_path / "app.log"


def _adapted(file, change=lambda _: None):
    for one in yaml.safe_load_all((REPO / file).read_text()):
        one.pop("scopes", None)
        change(one)
        yield one


def _for_later(topic, path):
    def change(one):
        one["metadata"]["name"] = topic.replace(".", "-")
        one["spec"] |= {"topic": topic, "routes": {"default": path}}
        if "deadLetterTopic" in one["spec"]:
            one["spec"]["deadLetterTopic"] = f"{TOPIC}.{NAME}.dlq"

    return change


def unknown(app, path):
    """How often the build was asked for `path`."""
    with contextlib.suppress(httpx.HTTPError):
        for line in httpx.get(f"{app}/metrics", timeout=2).text.splitlines():
            if line.startswith(f'deliveries_unknown_total{{path="{path}"}}'):
                return float(line.rpartition(" ")[2])
    return 0.0


def test_events_that_an_older_build_does_not_know_are_there_for_the_newer(later):
    build, app, sidecar, log = later
    with build():
        eventually(lambda: _answers(f"{sidecar}/v1.0/healthz"), seconds=60, what="the sidecar is up")
        entries = [
            {
                "entryId": event,
                "event": {"specversion": "1.0", "id": event, "source": "test", "type": "t", "data": {}},
                "contentType": "application/cloudevents+json",
                "metadata": {"partitionKey": event},
            }
            for event in sorted(EVENTS)
        ]
        published = httpx.post(f"{sidecar}/v1.0/publish/bulk/pubsub/{TOPIC}", json=entries, timeout=10)
        assert published.status_code == 204, published.text
        eventually(lambda: unknown(app, PATH) > 0, seconds=60, what="the older build was asked")
        letters = f"/events/dead-letters/{TOPIC}"
        eventually(lambda: unknown(app, letters) > 0, seconds=60, what="it was asked for the dead letters too")

    with build(CONSUMES="1"):
        eventually(lambda: _answers(f"{app}/readyz"), seconds=60, what="the newer build is ready")
        eventually(lambda: _taken(log) >= EVENTS, seconds=90, what="all are there")


def _answers(url):
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


def _taken(log):
    return {line.split()[1] for line in log.read_text().splitlines() if line.startswith("took ")}
