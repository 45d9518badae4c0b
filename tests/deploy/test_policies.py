"""What must hold for everything that runs in a cluster, in each overlay."""

import re
from importlib import import_module

import pytest
import yaml

from payment.wechat.bills import MAX_BYTES
from servicekit.middleware import UNMEASURED
from stack import sidecar
from stack.layout import DATABASES
from tests.deploy.manifests import K8S, OVERLAYS, REPO, settings_of
from tests.support.services import SERVICES

KAFKA_DRAIN = 30  # seconds that Dapr's Kafka component may take to finish what it has in hand
SECRET = re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|password:\s*\S|token:\s*[0-9A-Za-z]{16}")


# Dapr's injector ignores unknown annotations silently: these were read in its source
# (pkg/injector/annotations).
ANNOTATIONS = [
    "api-token-secret",
    "app-health-check-path",
    "app-health-probe-interval",
    "app-health-probe-timeout",
    "app-health-threshold",
    "app-id",
    "app-port",
    "app-protocol",
    "app-token-secret",
    "block-shutdown-duration",
    "config",
    "disable-builtin-k8s-secret-store",
    "disable-init-endpoints",
    "enable-app-health-check",
    "enabled",
    "env",
    "env-from-secret",
    "graceful-shutdown-seconds",
    "log-as-json",
    "log-level",
    "max-body-size",
    "read-buffer-size",
    "scheduler-host-address",
    "sidecar-cpu-limit",
    "sidecar-cpu-request",
    "sidecar-image",
    "sidecar-memory-limit",
    "sidecar-memory-request",
    "sidecar-seccomp-profile-type",
    "volume-mounts",
]


@pytest.fixture(params=OVERLAYS)
def documents(request, manifests):
    return manifests[request.param]


def seconds(text):
    assert text.endswith("s")
    return int(text[:-1])


def test_every_pod_is_without_root_token_and_service_links(documents):
    for name, _, pod in documents.workloads():
        context = pod["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"] > 0) == (True, True), name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name


def test_every_container_has_bounds_a_fixed_image_and_no_way_up(documents):
    for name, _, pod in documents.workloads():
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            bounded = {"cpu", "memory", *(["ephemeral-storage"] if name == "Deployment/payment" else [])}
            assert set(container["resources"]["limits"]) == bounded, name
            assert set(container["resources"]["requests"]) == bounded, name
            assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", container["image"]), name
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name


def test_tmp_is_a_little_memory_but_for_payment_which_has_a_disk_for_a_days_bill(documents):
    for name, template in documents.services().items():
        [tmp] = [one["emptyDir"] for one in template["spec"]["volumes"] if one["name"] == "tmp"]
        if name == "payment":
            assert tmp == {"sizeLimit": f"{MAX_BYTES // 1024**3}Gi"}
        else:
            assert tmp == {"medium": "Memory", "sizeLimit": "32Mi"}, name


def test_everything_that_serves_is_asked_whether_it_lives_and_is_ready(documents):
    for name, template in documents.services().items():
        [app] = template["spec"]["containers"]
        asked = {probe: app[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert asked == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}, name


def test_the_injector_knows_every_annotation(documents):
    for name, template in documents.services().items():
        noted = {note.removeprefix("dapr.io/") for note in template["metadata"]["annotations"]}
        assert noted <= set(ANNOTATIONS), name


def test_app_and_sidecar_have_the_same_two_tokens_and_no_other_apps(documents):
    for name, template in documents.services().items():
        notes = template["metadata"]["annotations"]
        env = {one["name"]: one for one in template["spec"]["containers"][0]["env"]}
        for variable, note in {"APP_API_TOKEN": "app-token-secret", "DAPR_API_TOKEN": "api-token-secret"}.items():
            reference = env[variable]["valueFrom"]["secretKeyRef"]
            assert reference == {"name": notes[f"dapr.io/{note}"], "key": "token"}
            assert reference["name"].startswith(f"{name}-")


def test_a_services_keys_are_in_its_sidecar_alone(documents):
    stores = documents.one("Component", "secrets")["scopes"]
    for name, template in documents.services().items():
        mounted = {one["name"] for one in template["spec"]["containers"][0]["volumeMounts"]}
        volumes = {one["name"]: one for one in template["spec"]["volumes"]}
        assert mounted == {"tmp"} | ({"postgres-ca"} if name in DATABASES else set())
        assert ("keys" in volumes) == (name in stores)
        if name in stores:
            assert volumes["keys"]["secret"]["secretName"] == f"{name}-keys"
            assert template["metadata"]["annotations"]["dapr.io/volume-mounts"] == "keys:/var/run/minsu"


def test_every_client_of_postgresql_verifies_its_certificate_and_has_not_the_authoritys_key(documents):
    speaking = [
        (name, pod)
        for name, _, pod in documents.workloads()
        if any("DATABASE_URL" in one["name"] for one in pod["containers"][0].get("env", ()))
    ]
    assert len(speaking) == 2 * len(DATABASES)
    for name, pod in speaking:
        [app] = pod["containers"]
        told = {one["name"]: one.get("value") for one in app["env"]}
        assert (told["PGSSLMODE"], told["PGSSLROOTCERT"]) == ("verify-full", "/etc/postgres-ca/ca.crt"), name
        [place] = [one for one in app["volumeMounts"] if one["name"] == "postgres-ca"]
        assert (place["mountPath"], place["readOnly"]) == ("/etc/postgres-ca", True), name
        [volume] = [one["secret"] for one in pod["volumes"] if one["name"] == "postgres-ca"]
        assert volume["items"] == [{"key": "ca.crt", "path": "ca.crt"}], name
        assert volume["secretName"] == ("minsu-postgres-ca" if documents.of("Cluster") else "postgres-ca"), name


def test_every_setting_without_a_default_is_told(documents):
    for name in SERVICES:
        kind = import_module(f"{name}.settings").Settings
        required = [(each, field) for each, field in kind.model_fields.items() if field.is_required()]
        wanted = {
            field.validation_alias or f"{kind.model_config['env_prefix']}{each.upper()}" for each, field in required
        }
        env = documents.services()[name]["spec"]["containers"][0]["env"]
        assert wanted <= settings_of(documents, name).keys() | {one["name"] for one in env}, name


def test_the_times_of_going_agree(documents):
    """The sidecar blocks, then ends what it has; the app outlives it; the kubelet waits for both."""
    for name, template in documents.services().items():
        notes, pod, told = template["metadata"]["annotations"], template["spec"], settings_of(documents, name)
        block = seconds(notes["dapr.io/block-shutdown-duration"])
        graceful = int(notes["dapr.io/graceful-shutdown-seconds"])
        drain, cut = int(told["DRAIN_SECONDS"]), int(told.get("SHUTDOWN_SECONDS", "10"))
        assert drain > block + graceful, name
        assert pod["terminationGracePeriodSeconds"] > block + graceful + KAFKA_DRAIN, name
        assert pod["terminationGracePeriodSeconds"] > drain + cut, name


def test_the_times_of_going_agree_on_the_laptop_too():
    from servicekit.settings import ServiceSettings
    from stack.parts import APP_STOPS_WITHIN, SIDECAR_STOPS_WITHIN

    block, graceful = seconds(sidecar.BLOCK_SHUTDOWN), int(sidecar.GRACEFUL_SHUTDOWN)
    fields = ServiceSettings.model_fields
    assert fields["drain_seconds"].default > block + graceful
    assert block + graceful < SIDECAR_STOPS_WITHIN
    assert fields["drain_seconds"].default + fields["shutdown_seconds"].default < APP_STOPS_WITHIN


SCALED_BY_PROCESSOR = {"payment"}
"""Consumers that work mostly for callers: events are the smaller part of their load."""


def fed_by_kafka(documents):
    return {app for one in documents.of("Subscription") for app in one["scopes"]}


def test_each_service_is_scaled_by_one_thing(documents):
    scaled = [one["spec"]["scaleTargetRef"]["name"] for one in documents.of("HorizontalPodAutoscaler", "ScaledObject")]
    assert sorted(scaled) == sorted(SERVICES)
    assert {one["metadata"]["name"] for one in documents.of("ScaledObject")} == fed_by_kafka(
        documents
    ) - SCALED_BY_PROCESSOR
    assert all(
        "replicas" not in one["spec"] for one in documents.of("Deployment") if one["metadata"]["name"] in SERVICES
    )


def test_lag_is_measured_where_the_app_reads(documents):
    brokers = {each["name"]: each for each in documents.one("Component", "pubsub")["spec"]["metadata"]}["brokers"]
    for one in documents.of("ScaledObject"):
        app = one["metadata"]["name"]
        kafka = [each["metadata"] for each in one["spec"]["triggers"] if each["type"] == "kafka"]
        own = [each["spec"] for each in documents.of("Subscription") if each["scopes"] == [app]]
        reads = {spec["topic"] for spec in own if "deadLetterTopic" in spec}  # dead letters are no load
        assert sorted(each["topic"] for each in kafka) == sorted(reads)
        assert {(each["consumerGroup"], each["bootstrapServers"]) for each in kafka} == {(app, brokers["value"])}


def test_each_service_keeps_one_replica_through_a_drain_and_is_spread(documents):
    for name, template in documents.services().items():
        label = {"app.kubernetes.io/name": name}
        budget = documents.one("PodDisruptionBudget", name)["spec"]
        assert (budget["maxUnavailable"], budget["selector"]["matchLabels"]) == (1, label)
        spread = template["spec"]["topologySpreadConstraints"]
        assert {one["topologyKey"] for one in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        assert all(one["labelSelector"]["matchLabels"] == label for one in spread)


def test_no_service_and_no_policy_selects_a_migration(documents):
    for one in documents.of("Service"):
        selected = one["spec"]["selector"]["app.kubernetes.io/name"]
        assert selected in documents.names("Deployment")
    jobs = {
        meta["labels"]["app.kubernetes.io/name"] for name, meta, _ in documents.workloads() if name.startswith("Job")
    }
    assert jobs == {f"{name}-migrate" for name in SERVICES if name != "gateway"}


def test_nothing_comes_in_or_goes_out_but_by_name(documents):
    deny = documents.one("NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    between = documents.one("NetworkPolicy", "sidecar-to-sidecar")["spec"]
    assert [one["ports"] for one in between["ingress"]] == [[{"protocol": "TCP", "port": 50002}]]
    doors = documents.one("NetworkPolicy", "front-door")["spec"]
    assert doors["podSelector"]["matchExpressions"][0]["values"] == ["gateway", "payment"]
    for one in documents.of("NetworkPolicy"):
        for rule in one["spec"].get("ingress", []):
            assert rule.get("from"), f"{one['metadata']['name']} lets everyone in"


def gateway_paths():
    """Every path that the gateway has, those of its included routers too."""
    settings = import_module("gateway.settings").Settings.model_validate({"app_api_token": "of-this-test-alone"})
    for each in import_module("gateway.main").create_app(settings).routes:
        router = getattr(each, "original_router", None)
        routes = (
            router.routes if router else [each] if hasattr(each, "path") else import_module("gateway.routes").PUBLIC
        )
        yield from (route.path for route in routes)


def prefix_of(path):
    """What the ingress lists for a path: an API by its folder, a page by its first segment."""
    parts = path.split("/")
    return "/".join(parts[:4] if parts[2:3] == ["v1"] else parts[:2])


def routed_by(*ingresses):
    paths = [path for each in ingresses for rule in each["spec"]["rules"] for path in rule["http"]["paths"]]
    routed = {one["path"]: (one["pathType"], one["backend"]["service"]["name"]) for one in paths}
    assert len(routed) == len(paths)
    return routed


def is_of_operators(prefix):
    return prefix == "/console" or prefix.endswith("/v1/ops")


def test_the_ingress_lists_the_two_callbacks_and_all_that_the_gateway_has_for_people(documents):
    prefix = "/payment/v1/thirdPayment/thirdPaymentWx"
    paths = set(gateway_paths())
    assert paths > set(UNMEASURED)
    public = {prefix_of(path) for path in paths - set(UNMEASURED)}
    routed = routed_by(documents.one("Ingress", "minsu"), documents.one("Ingress", "minsu-calendars"))
    assert routed == {
        f"{prefix}PayCallback": ("Exact", "payment"),
        f"{prefix}RefundCallback": ("Exact", "payment"),
        **{path: ("Exact" if path == "/" else "Prefix", "gateway") for path in public if not is_of_operators(path)},
    }
    assert not {prefix_of(path) for path in UNMEASURED} & set(routed)


def test_operators_have_a_host_and_an_ingress_class_of_their_own(documents):
    operators, public = documents.one("Ingress", "minsu-operators"), documents.one("Ingress", "minsu")
    theirs = {prefix_of(path) for path in gateway_paths() if is_of_operators(prefix_of(path))}
    assert {"/console", "/payment/v1/ops", "/usercenter/v1/ops"} < theirs
    needed = {"/static", "/usercenter/v1/user"}  # the console's files, and the sign-in of `minsu ops`
    assert routed_by(operators) == dict.fromkeys(theirs | needed, ("Prefix", "gateway"))
    hosts = [{rule["host"] for rule in each["spec"]["rules"]} for each in (operators, public)]
    assert [len(each) for each in hosts] == [1, 1]
    assert not hosts[0] & hosts[1]
    assert {name for each in operators["spec"]["tls"] for name in each["hosts"]} == hosts[0]
    assert operators["spec"]["ingressClassName"] != public["spec"]["ingressClassName"]


@pytest.mark.parametrize("path", ["/console", "/console/acts/payout", "/payment/v1/ops/payout", "/order/v1/ops/system"])
def test_the_public_host_routes_nothing_of_operators(documents, path):
    public = routed_by(documents.one("Ingress", "minsu"), documents.one("Ingress", "minsu-calendars"))
    prefixes = {each for each, (kind, _) in public.items() if kind == "Prefix"}
    assert {each for each in prefixes if f"{path}/".startswith(f"{each}/")} == set()
    assert path not in public


def test_no_access_log_has_the_secret_in_a_calendars_path(documents):
    calendars, all_else = documents.one("Ingress", "minsu-calendars"), documents.one("Ingress", "minsu")
    assert calendars["metadata"]["annotations"] == {
        "traefik.ingress.kubernetes.io/router.observability.accesslogs": "false"
    }
    [rule], [other] = calendars["spec"]["rules"], all_else["spec"]["rules"]
    assert [each["path"] for each in rule["http"]["paths"]] == ["/calendars"]
    assert (rule["host"], calendars["spec"]["tls"]) == (other["host"], all_else["spec"]["tls"])


def test_every_dapr_resource_has_scopes(documents):
    for one in documents.of("Component", "Subscription", "Resiliency"):
        assert set(one["scopes"]) <= set(SERVICES), one["metadata"]["name"]
        assert one["scopes"], one["metadata"]["name"]


TEMPLATE = re.compile(
    r"VERSION|KAFKA_(?!PASSWORD)[A-Z_]+\b(?=\n)|POSTGRES_CA|\bservice-(?:app|dapr|settings|keys|migrate)|minsu/service"
)


def test_no_template_name_is_left_over(documents):
    assert TEMPLATE.findall(yaml.safe_dump_all(documents.all)) == []


def test_nothing_secret_is_in_the_repository(documents):
    assert documents.of("Secret") == []
    files = [*K8S.rglob("*.yaml"), *K8S.rglob("*.env"), REPO / "docker-compose.yml"]
    assert [file.name for file in files if SECRET.search(file.read_text())] == []
