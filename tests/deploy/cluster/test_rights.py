"""Who may do what in the cluster, and where every secret comes from."""

import copy
import subprocess

import pytest
import yaml

from tests.deploy.cluster.asking import NAMESPACES, as_text, install
from tests.deploy.manifests import OVERLAYS, REPO
from tests.support.services import SERVICES

# Made by Strimzi, by who keeps certificates, by who runs Kafka, and by hand (docs/guides/deploy.md).
KAFKA = {"notification", "order", "payment", "travel", "keda"}
MADE_ELSEWHERE = KAFKA | {"minsu-cluster-ca-cert", "minsu-tls", "minsu-operators-tls", "kafka-ca", "wechatsim-keys"}
MADE_ELSEWHERE |= {"minsu-postgres-ca", "postgres-ca"}
BY_HAND = {"notification-keys", "payment-keys", "usercenter-keys"}
AS_DEPLOYER = ("--as=robot", "--as-group=minsu-deployers", "--as-group=system:authenticated")


def may(cluster, verb, resource, *words):
    return cluster.kubectl("auth", "can-i", verb, resource, *words).stdout.strip() == "yes"


def test_a_deployer_may_apply_the_overlay_and_nothing_beyond(cluster, manifests):
    installed = install(cluster, "production")
    assert (installed.returncode, installed.stderr) == (0, "")
    own = [one for one in manifests["production"].all if one["kind"] not in {"Role", "RoleBinding"}]
    words = ("apply", "--server-side", "--force-conflicts", "-f", "-", *AS_DEPLOYER)
    done = cluster.kubectl(*words, given=as_text(*own))
    assert (done.returncode, done.stderr) == (0, "")

    role = manifests["production"].one("Role", "minsu-deployer")
    refused = cluster.kubectl(*words, given=as_text(role))
    assert "forbidden" in refused.stderr.lower()
    elsewhere = copy.deepcopy(own[0]) | {"metadata": own[0]["metadata"] | {"namespace": "default"}}
    assert "forbidden" in cluster.kubectl(*words, given=as_text(elsewhere)).stderr.lower()
    for verb, resource in [
        ("get", "secrets"),
        ("create", "secrets"),
        ("create", "pods/exec"),
        ("create", "rolebindings"),
    ]:
        assert not may(cluster, verb, resource, "-n", "minsu", *AS_DEPLOYER), (verb, resource)
    assert not may(cluster, "update", "namespaces", *AS_DEPLOYER)
    assert not may(cluster, "delete", "validatingadmissionpolicies", *AS_DEPLOYER)


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_account_may_do_nothing(cluster, service):
    account = (f"--as=system:serviceaccount:minsu:{service}", "--as-group=system:serviceaccounts:minsu")
    for verb, resource in [
        ("get", "secrets"),
        ("list", "pods"),
        ("get", "components.dapr.io"),
        ("create", "deployments"),
    ]:
        assert not may(cluster, verb, resource, "-n", "minsu", *account), (verb, resource)


def reads_by_variable(pod):
    pod["containers"][0]["env"].append(
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "payment-keys", "key": "secrets.json"}}}
    )


def reads_all_variables(pod):
    pod["containers"][0]["envFrom"].append({"secretRef": {"name": "order-database"}})


def reads_by_volume(pod):
    pod["volumes"].append({"name": "more", "secret": {"secretName": "payment-keys"}})


def reads_the_key_of_the_authority(pod):
    pod["volumes"].append({"name": "more", "secret": {"secretName": "minsu-postgres-ca"}})


def reads_by_projected_volume(pod):
    pod["volumes"].append({"name": "more", "projected": {"sources": [{"secret": {"name": "payment-keys"}}]}})


def reads_before_it_starts(pod):
    first = copy.deepcopy(pod["containers"][0]) | {"name": "first"}
    pod["initContainers"] = [{name: value for name, value in first.items() if not name.endswith("Probe")}]
    reads_by_variable({"containers": pod["initContainers"]})


def runs_a_shell(pod):
    pod["containers"][0]["command"] = ["sh", "-c", "env"]


def runs_another_image(pod):
    pod["containers"][0]["image"] = "example.com/tools:1.0.0"


READING = {
    reads_by_variable: "a variable comes from a Secret of the service itself",
    reads_all_variables: "a variable comes from a Secret of the service itself",
    reads_by_volume: "a volume is a Secret of the service itself",
    reads_the_key_of_the_authority: "a volume is a Secret of the service itself",
    reads_by_projected_volume: "a volume is a Secret of the service itself",
    reads_before_it_starts: "a variable comes from a Secret of the service itself",
    runs_a_shell: "an image runs its own command",
    runs_another_image: "a workload runs the image that its label",
}


def deployed(cluster, document):
    return cluster.kubectl("create", "--dry-run=server", "-f", "-", *AS_DEPLOYER, given=as_text(document))


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
@pytest.mark.parametrize("change", READING, ids=lambda change: change.__name__)
def test_a_deployer_reads_no_secret_by_a_workload(cluster, manifests, kind, change):
    name = "order" if kind == "Deployment" else "order-migrate-0-1-0"
    document = copy.deepcopy(manifests["production"].one(kind, name))
    document["metadata"]["name"] = "order-changed"
    pod = document["spec"]["template"]["spec"]
    pod["containers"][0].setdefault("envFrom", [])
    assert deployed(cluster, document).returncode == 0
    change(pod)
    done = deployed(cluster, document)
    assert done.returncode != 0
    assert "minsu-secrets" in done.stderr
    assert READING[change] in done.stderr


@pytest.mark.parametrize(
    ("note", "value"),
    [
        ("dapr.io/sidecar-image", "example.com/daprd:1.18.2"),
        ("dapr.io/env-from-secret", "KEY=payment-keys:secrets.json"),
        ("dapr.io/app-token-secret", "payment-app-token"),
    ],
)
def test_a_deployer_reads_no_secret_by_a_sidecar(cluster, manifests, note, value):
    document = copy.deepcopy(manifests["production"].one("Deployment", "order"))
    document["metadata"]["name"] = "order-changed"
    document["spec"]["template"]["metadata"]["annotations"][note] = value
    done = deployed(cluster, document)
    assert "a sidecar is Dapr's own and holds the service's Secrets" in done.stderr


def test_a_deployer_reads_no_secret_by_a_component(cluster, manifests):
    document = copy.deepcopy(manifests["production"].one("Component", "sms"))
    document["metadata"]["name"] = "more"
    assert deployed(cluster, document).returncode == 0
    document["spec"]["metadata"].append(
        {"name": "header", "secretKeyRef": {"name": "payment-keys", "key": "secrets.json"}}
    )
    assert "minsu-components" in deployed(cluster, document).stderr


def references(value):
    """(Secret, key) of every secretKeyRef and (Secret, None) of every volume in a document."""
    if isinstance(value, dict):
        reference = value.get("secretKeyRef")
        if isinstance(reference, dict):
            yield reference["name"], reference["key"]
        if isinstance(value.get("secretName"), str):
            yield value["secretName"], None
        if isinstance(value.get("passwordSecret"), dict):
            yield value["passwordSecret"]["name"], "password"
        yield from _annotated(value)
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def _annotated(value):
    for note in {"dapr.io/app-token-secret", "dapr.io/api-token-secret"} & value.keys():
        yield value[note], "token"
    if told := value.get("dapr.io/env-from-secret"):
        secret, _, key = told.partition("=")[2].partition(":")
        yield secret, key


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_that_is_named_has_a_source(cluster, manifests, overlay):
    made = subprocess.run(
        [REPO / "deploy" / "k8s" / "make-secrets", NAMESPACES[overlay]], capture_output=True, text=True, check=True
    ).stdout
    cluster.must("apply", "--server-side", "--validate=strict", "--force-conflicts", "-f", "-", given=made)
    stored = {one["metadata"]["name"]: set(one["stringData"]) for one in yaml.safe_load_all(made) if one}
    named = set(references(manifests[overlay].all))
    assert {name for name, _ in named} >= set(stored), "none is made without a reader"
    for name, key in named:
        if name not in MADE_ELSEWHERE | BY_HAND:
            assert key in stored[name], (name, key)
