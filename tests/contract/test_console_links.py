"""What the console and its guide say about traces and logs is what the cluster's collector and log agent do."""

import json
import re
import tomllib
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from pydantic import ValidationError

from gateway.console import links
from gateway.settings import Settings
from servicekit.testing import APP_TOKEN
from stack.layout import REPO
from tests.support.services import SOURCES

GUIDE = (REPO / "docs/guides/observe.md").read_text()
LOCALE = SOURCES["gateway"] / "locale/console"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SN = "HSO2026112309302612345678"


def logs_url(value: str) -> str:
    return Settings.model_validate({"app_api_token": APP_TOKEN, "logs_url": value}).logs_url


def test_the_guides_address_of_the_log_lines_is_one_of_grafanas_with_a_query_of_loki():
    [written] = re.findall(r"^GATEWAY_LOGS_URL=(\S+)$", GUIDE, re.MULTILINE)
    address = urlsplit(logs_url(written).replace("{number}", SN))
    assert address.path == "/explore"
    [panes] = parse_qs(address.query)["panes"]
    [pane] = json.loads(panes).values()
    assert [each["expr"] for each in pane["queries"]] == [f'{{job="minsu"}} |= "{SN}"']


@pytest.mark.parametrize("wrong", ["https://logs.example/", "https://logs.example/{trace_id}", "logs.example/{number}"])
def test_an_address_that_cannot_lead_to_log_lines_is_refused_at_the_start(wrong):
    with pytest.raises(ValidationError, match="logs_url"):
        logs_url(wrong)


def test_what_is_to_be_typed_names_labels_and_members_that_the_log_agent_gives_a_line():
    agent = yaml.safe_load((REPO / "deploy/k8s/observability/fluent-bit.yaml").read_text())
    [loki] = agent["pipeline"]["outputs"]
    typed = {
        "trace_id": links.to_trace(TRACE, jaeger_url="", logs_url="").query,
        "order_sn": links.to_order(SN, logs_url="").query,
    }
    for member, query in typed.items():
        [(label, value, named)] = re.findall(r'{(\w+)="(\w+)"} \| (\w+)="\w+"', query)
        assert f"{label}={value}" in loki["labels"].split(", ")
        assert named == member
        assert f"{member}=${member}" in loki["structured_metadata"].split(", ")


def test_the_page_tells_how_many_traces_a_cluster_keeps():
    collector = yaml.safe_load((REPO / "deploy/k8s/observability/collector-config.yaml").read_text())
    policies = {each["name"]: each for each in collector["processors"]["tail_sampling"]["policies"]}
    assert policies["slow"]["latency"] == {"threshold_ms": 2000}
    assert policies["some-of-the-rest"]["probabilistic"] == {"sampling_percentage": 25}
    begun = yaml.safe_load((REPO / "deploy/k8s/components/observability/traces.yaml").read_text())
    assert {"name": "OTEL_TRACES_SAMPLER_ARG", "value": "0.1"} in [each["value"] for each in begun]
    for language, said in (
        ("zh", ("十次请求只开始记录一次", "四分之一", "2 秒")),
        ("en", ("one request in ten", "a quarter", "2 s")),
    ):
        hint = tomllib.loads((LOCALE / f"payment.{language}.toml").read_text())["traces_hint"]
        assert [each for each in said if each not in hint] == []


def test_a_cluster_says_in_one_file_where_operators_reach_traces_and_logs():
    component = REPO / "deploy/k8s/components/observability"
    [generated] = yaml.safe_load((component / "kustomization.yaml").read_text())["configMapGenerator"]
    assert generated == {"name": "gateway-settings", "behavior": "merge", "envs": ["gateway.env"]}
    lines = [each for each in (component / "gateway.env").read_text().splitlines() if not each.startswith("#")]
    assert lines == ["GATEWAY_JAEGER_URL=", "GATEWAY_LOGS_URL="]
    cluster = GUIDE[GUIDE.index("## In a cluster") :]
    for named in ("components/observability/gateway.env", "GATEWAY_JAEGER_URL", "GATEWAY_LOGS_URL"):
        assert named in cluster
