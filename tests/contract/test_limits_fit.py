"""Limits in different files that only work together: a caller waits longer than the callee may take, and what is kept
outlives what can still come."""

import json
import re
from datetime import timedelta
from inspect import signature
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

import gateway.settings
import order.settings
import payment.settings
import travel.settings
from order import peers
from order.events import LONGEST_REASON
from order.refund_schemas import RefundMore, RefundRequest
from payment.endpoints import wechat_notify
from payment.events import RefundRequested
from payment.ledger import payments
from payment.paying import checkout
from payment.refunding import requests
from payment.wechat import client
from servicekit.settings import ServiceSettings
from servicekit.sidecar import Sidecar
from servicekit.uploads import BYTES_PER_SECOND
from tests.support.services import SOURCES
from travel import pictures
from wechatsim.notify import attempt
from wechatsim.pay import orders, refunds

REPO = Path(__file__).resolve().parents[2]
SERVICE = "deploy/k8s/base/service/deployment.yaml"
REASONS = ("reason", "note", "reason", "reason")
"""What the reason is called in RefundRequest, RefundMore, RefundRequested and the event."""


def default(settings, name):
    return settings.model_fields[name].default


def resiliency(name):
    return yaml.safe_load((REPO / "dapr" / "resiliency" / f"{name}.yaml").read_text())["spec"]["policies"]


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(ms|s)", duration).groups()
    return int(number) / {"s": 1, "ms": 1000}[unit]


def page_waits(script="api", name="PATIENCE_MS"):
    text = (SOURCES["gateway"] / "static" / "js" / f"{script}.js").read_text()
    return int(re.search(rf"const {name} = (\d+)", text)[1]) / 1000


def sidecars_carry():
    """Bytes of a message between sidecars, as each place of theirs says."""
    files = {"dapr/dapr.yaml": "maxBodySize: ", "deploy/docker/sidecar": "--max-body-size=", SERVICE: "max-body-size: "}
    found = {file: re.findall(rf"{name}(\d+)Mi\b", (REPO / file).read_text()) for file, name in files.items()}
    assert all(len(each) == 1 for each in found.values()), found
    return {int(each) * 2**20 for [each] in found.values()}


def test_from_the_buyers_page_to_wechat_each_waits_longer_than_the_next():
    chain = [
        default(payment.settings.PaymentSettings, "wxpay_timeout_seconds"),
        client.WHOLE_CALL_SECONDS,
        peers.CLOSE_SECONDS,
        seconds(resiliency("services")["timeouts"]["provider"]),
        default(gateway.settings.Settings, "answer_seconds"),
        page_waits(),
        seconds(resiliency("gateway")["timeouts"]["chain"]),
    ]
    assert all(inner < outer for inner, outer in pairwise(chain)), chain


def test_a_service_waits_for_all_attempts_of_its_sidecar():
    policies = resiliency("services")
    retry, attempt_seconds = policies["retries"]["peer"], seconds(policies["timeouts"]["quick"])
    all_attempts = attempt_seconds * (retry["maxRetries"] + 1) + seconds(retry["duration"]) * retry["maxRetries"]
    assert all_attempts < signature(Sidecar.of).parameters["timeout_seconds"].default


def test_a_callback_has_its_response_before_wechat_gives_up():
    assert payments.LONGEST_WAIT_SECONDS < wechat_notify.ANSWER_SECONDS < attempt.RESPONSE_TIMEOUT_S == 5


def test_a_prepay_id_is_given_out_only_while_wechat_takes_it():
    assert timedelta(seconds=orders.PREPAY_LIFE_S) > checkout.PREPAY_LIFE


def test_no_more_refunds_are_asked_for_than_wechat_carries_out():
    assert requests.MAX_REFUNDS == refunds.MAX_REFUNDS


def test_a_service_remembers_an_event_longer_than_kafka_can_bring_it_again():
    topics = yaml.safe_load_all((REPO / "deploy/k8s/components/strimzi/topics.yaml").read_text())
    kept = [timedelta(milliseconds=topic["spec"]["config"]["retention.ms"]) for topic in topics]
    assert kept
    assert max(kept) < timedelta(days=default(ServiceSettings, "inbox_keep_days"))


@pytest.mark.parametrize(
    ("service", "settings", "name"),
    [
        ("gateway", gateway.settings.Settings, "answer_seconds"),
        ("order", order.settings.Settings, "pay_window_seconds"),
    ],
)
def test_a_cluster_is_told_the_default_of_what_it_repeats(service, settings, name):
    told = (REPO / "deploy/k8s/base" / service / "settings.env").read_text()
    assert f"{service.upper()}_{name.upper()}={default(settings, name):g}\n" in told


def test_a_refunds_reason_is_as_long_in_every_place_between_buyer_and_payment():
    told = json.loads((REPO / "contracts/events/refund-requested.v1.schema.json").read_text())
    models = (RefundRequest.model_json_schema(), RefundMore.model_json_schema(), RefundRequested.model_json_schema())
    members = [schema["properties"][name] for schema, name in zip((*models, told), REASONS, strict=True)]
    assert [each["maxLength"] for each in members] == [LONGEST_REASON] * 4


def test_the_largest_photo_passes_every_door_and_every_sidecar():
    [upload] = travel.settings.Settings.uploads
    assert gateway.settings.Settings.uploads == (upload,)
    as_base64 = -(-pictures.MOST_BYTES // 3) * 4
    [carried] = sidecars_carry()
    assert as_base64 < upload.most_bytes < carried


def test_a_page_waits_for_a_photo_as_long_as_it_may_take_to_arrive_and_be_answered():
    [upload] = gateway.settings.Settings.uploads
    head = body = default(ServiceSettings, "arrive_seconds")
    longest = head + body + upload.most_bytes / BYTES_PER_SECOND
    longest += default(gateway.settings.Settings, "answer_seconds")
    assert page_waits("host_photos", "UPLOAD_PATIENCE_MS") > longest


def test_no_more_replicas_read_a_topic_than_it_has_partitions():
    topics = yaml.safe_load_all((REPO / "deploy/k8s/components/strimzi/topics.yaml").read_text())
    partitions = {topic["metadata"]["name"]: topic["spec"]["partitions"] for topic in topics}
    specs = [yaml.safe_load(file.read_text())["spec"] for file in (REPO / "deploy/k8s/base").glob("*/scaling.yaml")]
    by_topics = {
        spec["scaleTargetRef"]["name"]: (spec["maxReplicaCount"], [partitions[topic] for topic in topics_read(spec)])
        for spec in specs
        if topics_read(spec)
    }
    assert len(by_topics) >= 3
    assert {name: found for name, found in by_topics.items() if found[0] > min(found[1])} == {}


def topics_read(scaling):
    """Of a ScaledObject; none of a HorizontalPodAutoscaler."""
    return [each["metadata"]["topic"] for each in scaling.get("triggers", ()) if each["type"] == "kafka"]
