"""What a cluster's Prometheus, collector and log agent are told; on a laptop `make up OBS=1` tells the same labels."""

import re

import pytest
import yaml

from stack import daprfile, layout, observability
from tests.deploy import rules
from tests.deploy.manifests import K8S, OVERLAYS, built, settings_of
from tests.support.services import SERVICES

OBSERVED = ("production", "production-external")
LABELS = {"app.kubernetes.io/part-of": "minsu", "app.kubernetes.io/component": "service"}
OTLP = "http://otel-collector.observability:4318"


@pytest.fixture
def around(kubectl):
    """The namespace beside ours: collector and log agent."""
    return built(kubectl, "observability")


def test_the_clusters_rules_are_those_of_the_laptop():
    assert yaml.safe_load(rules.PLACE.read_text()) == rules.document(), "make contracts writes them"
    assert rules.document()["spec"]["groups"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_app_sends_its_spans_where_its_sidecar_does(manifests, overlay):
    for service in SERVICES:
        told = settings_of(manifests[overlay], service)
        assert told.get("OTEL_EXPORTER_OTLP_ENDPOINT") == (OTLP if overlay in OBSERVED else None), service
        configuration = manifests[overlay].one("Configuration", service)["spec"]["tracing"]["otel"]
        assert (f"http://{configuration['endpointAddress']}", configuration["protocol"]) == (OTLP, "http")


@pytest.mark.parametrize("overlay", OBSERVED)
def test_both_ports_of_every_pod_are_scraped_under_the_laptops_labels(manifests, overlay, tmp_path):
    where = layout.plan({"MINSU_RUN_DIR": str(tmp_path), "OBS": "1"})
    where.rendered_dapr_file.write_text(daprfile.render(where.dapr_file, where.dapr_ports(), where.run))
    laptop = observability.prometheus_config(where)["scrape_configs"]
    for name, port, path, job in (("minsu-apps", "http", "/metrics", 0), ("minsu-sidecars", "dapr-metrics", "/", 1)):
        monitor = manifests[overlay].one("PodMonitor", name)["spec"]
        assert monitor["selector"]["matchLabels"] == LABELS
        [endpoint] = monitor["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["path"]) == (port, path)
        labels = {label for each in laptop[job]["static_configs"] for label in each["labels"]}
        assert {each["targetLabel"] for each in endpoint["relabelings"]} == labels
    for service, template in manifests[overlay].services().items():
        assert LABELS.items() <= template["metadata"]["labels"].items(), service
        assert template["spec"]["containers"][0]["ports"][0]["name"] == "http", service


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_network_lets_spans_out_and_the_collector_lets_them_in(manifests, around, overlay):
    [out] = manifests[overlay].one("NetworkPolicy", "metrics")["spec"]["egress"]
    assert out["ports"] == [{"protocol": "TCP", "port": 4318}]
    assert out["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}},
            "podSelector": around.one("NetworkPolicy", "otel-collector")["spec"]["podSelector"],
        }
    ]
    within = around.one("NetworkPolicy", "otel-collector")["spec"]["ingress"][0]
    assert within["from"] == [{"namespaceSelector": {"matchLabels": {"app.kubernetes.io/part-of": "minsu"}}}]
    [service] = around.one("Service", "otel-collector")["spec"]["ports"]
    assert (service["port"], service["targetPort"]) == (4318, "otlp-http")


NAMES = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


@pytest.mark.parametrize(
    ("part", "kind", "store", "setting"),
    [("otel-collector", "Deployment", "jaeger", "TRACES_URL"), ("fluent-bit", "DaemonSet", "loki", "LOKI_PORT")],
)
def test_each_part_reaches_names_and_its_own_store_alone(around, part, kind, store, setting):
    policy = around.one("NetworkPolicy", part)["spec"]
    settings = dict(line.split("=", 1) for line in (K8S / "observability" / "settings.env").read_text().splitlines())
    [port] = re.findall(r"\d+$", settings[setting])
    own = {
        "to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": store}}}],
        "ports": [{"protocol": "TCP", "port": int(port)}],
    }
    assert policy["egress"] == [NAMES, own]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    pods = around.one(kind, part)["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= pods.items()


def test_every_pod_beside_ours_has_such_a_policy(around):
    pods = {one["metadata"]["name"] for one in around.of("Deployment", "DaemonSet")}
    assert {one["metadata"]["name"] for one in around.of("NetworkPolicy")} == pods


def config(around, name, key):
    [found] = [one for one in around.of("ConfigMap") if one["metadata"]["name"].startswith(f"{name}-")]
    return found["data"][key]


def test_what_the_two_configurations_ask_of_the_environment_is_in_the_settings(around):
    settings = dict(line.split("=", 1) for line in (K8S / "observability" / "settings.env").read_text().splitlines())
    collector, agent = config(around, "otel-collector", "config.yaml"), config(around, "fluent-bit", "fluent-bit.yaml")
    asked = set(re.findall(r"\$\{(?:env:)?(\w+)\}", collector + agent))
    assert asked == set(settings)
    for one in around.of("Deployment", "DaemonSet"):
        [source] = one["spec"]["template"]["spec"]["containers"][0]["envFrom"]
        assert source["configMapRef"]["name"] in around.names("ConfigMap")


def test_the_collectors_ports_are_those_of_its_configuration(around):
    told = yaml.safe_load(config(around, "otel-collector", "config.yaml"))
    container = around.one("Deployment", "otel-collector")["spec"]["template"]["spec"]["containers"][0]
    listens = {
        "otlp-http": told["receivers"]["otlp"]["protocols"]["http"]["endpoint"],
        "health": told["extensions"]["healthcheckv2"]["http"]["endpoint"],
        "metrics": "0.0.0.0:{port}".format(
            **told["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
        ),
    }
    assert {one["name"]: f"0.0.0.0:{one['containerPort']}" for one in container["ports"]} == listens
    assert around.one("Deployment", "otel-collector")["spec"]["replicas"] == 1, "another would see half a trace"


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/var/log/pods/minsu_order-7d4b9c-x2x1z_1b-2c/app/0.log", ("minsu", "order-7d4b9c-x2x1z", "order", "app")),
        ("/var/log/pods/minsu-dev_payment-5f-9_a/daprd/12.log", ("minsu-dev", "payment-5f-9", "payment", "daprd")),
        (
            "/var/log/pods/minsu_order-migrate-0-2-0-abcde_a/app/0.log",
            ("minsu", "order-migrate-0-2-0-abcde", "order", "app"),
        ),
    ],
)
def test_namespace_pod_app_and_container_are_read_from_a_log_files_path(path, parts):
    parsers = (K8S / "observability" / "parsers.conf").read_text()
    [pattern] = re.findall(r"^\s+Regex\s+(.*)$", parsers, re.MULTILINE)
    found = re.match(pattern.replace("(?<", "(?P<"), path)
    assert found is not None
    assert (found["namespace"], found["pod"], found["app"], found["container"]) == parts
