"""One real API server for the session, with every definition and the cluster-wide rules in it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stack.setup import kubernetes, preflight, versions
from tests.deploy.cluster import api_server
from tests.deploy.manifests import K8S, REPO
from tests.support.waiting import eventually

DEFINITIONS = ("cloudnative-pg", "dapr", "keda", "prometheus-operator", "strimzi")


@pytest.fixture(scope="session")
def cluster() -> Iterator[api_server.Cluster]:
    etcd = preflight.etcd_program()
    if etcd is None:
        pytest.exit("etcd is missing: make k8s-test says what else, and how to get it", returncode=1)
    programs = kubernetes.install(versions.read(), REPO / ".tools" / "logs")
    with api_server.running(programs["kube-apiserver"], programs["kubectl"], etcd) as running:
        for name in DEFINITIONS:
            folder = REPO / "deploy" / "crds" / name
            for line in (folder / "SHA256SUMS").read_text().splitlines():
                wanted, _, file = line.partition("  ")
                if not file.endswith(".yaml"):
                    continue
                assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == wanted, file
                running.must("apply", "--server-side", "-f", str(folder / file))
        running.must("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        running.must("apply", "--server-side", "--validate=strict", "-k", str(K8S / "cluster"))
        eventually(lambda: not policy_sleeps(running), what="the admission policy is at work")
        yield running


def policy_sleeps(running: api_server.Cluster) -> bool:
    """A policy takes a moment to be heard of: it is awake when it refuses a bare Deployment."""
    bare = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "bare", "namespace": "minsu"},
        "spec": {
            "selector": {"matchLabels": {"app": "bare"}},
            "template": {
                "metadata": {"labels": {"app": "bare"}},
                "spec": {"containers": [{"name": "a", "image": "a:1"}]},
            },
        },
    }
    return running.kubectl("create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(bare)).returncode == 0


@pytest.fixture(scope="session")
def kubectl(cluster: api_server.Cluster) -> Path:
    return cluster.program
