"""Who may do what in the cluster, and where every secret comes from."""

import copy
import subprocess

import pytest
import yaml

from tests.deploy.cluster.asking import NAMESPACES, apply, as_text
from tests.deploy.manifests import OVERLAYS, REPO
from tests.support.services import SERVICES

# Made by Strimzi, by who keeps certificates, by who runs Kafka, and by hand (docs/guides/deploy.md).
MADE_ELSEWHERE = {"minsu", "minsu-cluster-ca-cert", "minsu-tls", "kafka-credentials", "wechatsim-keys"}
BY_HAND = {"notification-keys", "payment-keys", "usercenter-keys"}
AS_DEPLOYER = ("--as=robot", "--as-group=minsu-deployers", "--as-group=system:authenticated")


def may(cluster, verb, resource, *words):
    return cluster.kubectl("auth", "can-i", verb, resource, *words).stdout.strip() == "yes"


def test_a_deployer_may_apply_the_overlay_and_nothing_beyond(cluster, manifests):
    assert apply(cluster, "production").returncode == 0
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
        for note, name in value.items():
            if note in {"dapr.io/app-token-secret", "dapr.io/api-token-secret"}:
                yield name, "token"
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_that_is_named_is_made_by_somebody(cluster, manifests, overlay):
    made = subprocess.run(
        [REPO / "deploy" / "k8s" / "make-secrets", NAMESPACES[overlay]], capture_output=True, text=True, check=True
    ).stdout
    cluster.must("apply", "--server-side", "--validate=strict", "--force-conflicts", "-f", "-", given=made)
    stored = {one["metadata"]["name"]: set(one["stringData"]) for one in yaml.safe_load_all(made) if one}
    named = set(references(manifests[overlay].all))
    assert {name for name, _ in named} >= set(stored), "none is made that nobody reads"
    for name, key in named:
        if name not in MADE_ELSEWHERE | BY_HAND:
            assert key in stored[name], (name, key)
