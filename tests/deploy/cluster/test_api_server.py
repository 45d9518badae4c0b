"""What a real API server says of every overlay: decoded strictly, defaulted, validated, stored; and what it must refuse."""

import copy

import pytest
import yaml

from tests.deploy.cluster.asking import NAMESPACES, apply, as_text, install
from tests.deploy.manifests import K8S, OVERLAYS, REPO


def versions_of(cluster, documents):
    """Kind/name → resourceVersion of each object of an overlay, as it is stored."""
    text = as_text(*documents.all)
    got = yaml.safe_load(cluster.must("get", "-o", "yaml", "-f", "-", given=text))
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in got["items"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_taken_strictly_and_a_second_time_changes_nothing(cluster, manifests, overlay):
    first = install(cluster, overlay)
    assert (first.returncode, first.stderr) == (0, ""), "taken without a warning"
    stored = versions_of(cluster, manifests[overlay])
    assert len(stored) == len(manifests[overlay].all)

    second = apply(cluster, overlay)
    assert (second.returncode, second.stderr) == (0, "")
    assert versions_of(cluster, manifests[overlay]) == stored
    difference = cluster.kubectl("diff", "--server-side", "-k", str(K8S / "overlays" / overlay))
    assert (difference.returncode, difference.stdout) == (0, "")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_may_start_under_restricted_pod_security(cluster, manifests, overlay):
    for name, meta, pod in manifests[overlay].workloads():
        named = {"name": name.lower().replace("/", "-"), "namespace": NAMESPACES[overlay], "labels": meta["labels"]}
        text = as_text({"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": pod})
        done = cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", given=text)
        assert (done.returncode, done.stderr) == (0, ""), name


def misspelt(document, *path):
    """The last word of `path` with a letter doubled."""
    changed = copy.deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1] + path[-1][-1]] = inner.pop(path[-1])
    return changed, f'"{path[-1] + path[-1][-1]}"' if len(path) == 1 else path[-1] + path[-1][-1]


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("Deployment", "order", ("spec", "template", "spec", "enableServiceLinks")),
        ("Component", "pubsub", ("spec", "initTimeout")),
        ("Configuration", "order", ("spec", "accessControl")),
        ("Resiliency", "services", ("spec", "targets")),
        ("Subscription", "order-payment-status", ("spec", "deadLetterTopic")),
        ("ScaledObject", "order", ("spec", "pollingInterval")),
        ("Kafka", "minsu", ("spec", "kafka", "authorization")),
        ("KafkaUser", "order", ("spec", "authorization")),
        ("Cluster", "minsu-postgres", ("spec", "walStorage")),
        ("NetworkPolicy", "default-deny", ("spec", "policyTypes")),
        ("PodMonitor", "minsu-apps", ("spec", "podMetricsEndpoints")),
        ("PrometheusRule", "minsu", ("spec", "groups")),
    ],
)
def test_a_misspelt_field_is_refused_by_its_name(cluster, manifests, kind, name, path):
    document, wrong = misspelt(manifests["production"].one(kind, name), *path)
    done = cluster.kubectl(
        "apply", "--dry-run=server", "--server-side", "--validate=strict", "-f", "-", given=as_text(document)
    )
    assert done.returncode != 0
    assert wrong in done.stderr
    assert any(word in done.stderr for word in ("unknown field", "field not declared in schema")), done.stderr


def test_a_value_of_the_wrong_type_is_refused(cluster, manifests):
    document = copy.deepcopy(manifests["production"].one("HorizontalPodAutoscaler", "gateway"))
    document["spec"]["minReplicas"] = "two"
    done = cluster.kubectl("apply", "--dry-run=server", "--server-side", "-f", "-", given=as_text(document))
    assert done.returncode != 0
    assert "minReplicas" in done.stderr


def no_limits(pod):
    del pod["containers"][0]["resources"]["limits"]["memory"]


def newest_tag(pod):
    pod["containers"][0]["image"] = "minsu/order:latest"


def first_container_without_limits(pod):
    first = copy.deepcopy(pod["containers"][0]) | {"name": "first", "resources": {}}
    pod["initContainers"] = [{name: value for name, value in first.items() if not name.endswith("Probe")}]


def first_container_of_any_version(pod):
    first_container_without_limits(pod)
    pod["initContainers"][0] |= {"resources": pod["containers"][0]["resources"], "image": "minsu/order:latest"}


def writable_root(pod):
    pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = False


def account_token(pod):
    pod["automountServiceAccountToken"] = True


def service_links(pod):
    pod["enableServiceLinks"] = True


def no_probe(pod):
    del pod["containers"][0]["readinessProbe"]


BROKEN = {
    no_limits: "every container needs limits",
    newest_tag: "a tag other than latest",
    first_container_without_limits: "every container needs limits",
    first_container_of_any_version: "a tag other than latest",
    writable_root: "has to be read-only",
    account_token: "gets an account token",
    service_links: "enableServiceLinks has to be false",
    no_probe: "a readiness and a liveness probe",
}


@pytest.mark.parametrize("overlay", ["dev", "production"])
@pytest.mark.parametrize("change", BROKEN, ids=lambda change: change.__name__)
def test_the_clusters_policy_refuses_a_workload_that_leaves_something_out(cluster, manifests, overlay, change):
    document = copy.deepcopy(manifests[overlay].one("Deployment", "order"))
    document["metadata"]["name"] = "order-changed"
    change(document["spec"]["template"]["spec"])
    done = cluster.kubectl("create", "--dry-run=server", "-f", "-", given=as_text(document))
    assert done.returncode != 0
    assert "minsu-workloads" in done.stderr
    assert BROKEN[change] in done.stderr


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("privileged", True),
        ("runAsUser", 0),
        ("allowPrivilegeEscalation", True),
        ("capabilities", {"add": ["NET_ADMIN"]}),
    ],
)
def test_a_pod_with_more_rights_is_refused(cluster, manifests, field, value):
    pod = copy.deepcopy(manifests["production"].services()["payment"]["spec"])
    pod["containers"][0]["securityContext"][field] = value
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "more", "namespace": "minsu"}, "spec": pod}
    done = cluster.kubectl("create", "--dry-run=server", "-f", "-", given=as_text(document))
    assert done.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in done.stderr or "allowPrivilegeEscalation" in done.stderr


def injected(cluster, pod, *, drop):
    """The pod with a sidecar as Dapr's injector adds it: `drop` is its chart's sidecarDropALLCapabilities."""
    pod = copy.deepcopy(pod)
    context = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    capabilities = {"capabilities": {"drop": ["ALL"]}} if drop else {}
    pod["containers"].append(
        {"name": "daprd", "image": "daprio/daprd:1.18.2", "securityContext": context | capabilities}
    )
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "injected", "namespace": "minsu"}, "spec": pod}
    return cluster.kubectl("create", "--dry-run=server", "-f", "-", given=as_text(document))


def test_a_pod_with_its_sidecar_may_start_when_the_injector_drops_capabilities(cluster, manifests):
    """Dapr's chart does not by default: the guide says which value to set."""
    for name, template in manifests["production"].services().items():
        done = injected(cluster, template["spec"], drop=True)
        assert (done.returncode, done.stderr) == (0, ""), name
    without = injected(cluster, manifests["production"].services()["order"]["spec"], drop=False)
    assert "unrestricted capabilities" in without.stderr
    assert "sidecarDropALLCapabilities=true" in (REPO / "docs" / "guides" / "deploy.md").read_text()
