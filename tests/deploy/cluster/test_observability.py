"""What a real API server says of the collector and the log agent."""

import pytest

from tests.deploy.cluster.asking import as_text
from tests.deploy.manifests import K8S, built

FOLDER = "observability"


@pytest.fixture
def documents(cluster):
    return built(cluster.program, FOLDER)


def test_both_are_taken_strictly_and_a_second_time_changes_nothing(cluster, documents):
    words = ("apply", "--server-side", "--validate=strict", "-k", str(K8S / FOLDER))
    first = cluster.kubectl(*words)
    assert (first.returncode, first.stderr) == (0, "")
    again = cluster.kubectl("diff", "--server-side", "-k", str(K8S / FOLDER))
    assert (again.returncode, again.stdout) == (0, "")


def test_their_pods_may_start(cluster, documents):
    cluster.must("apply", "--server-side", "-f", str(K8S / FOLDER / "namespace.yaml"))
    for one in documents.of("Deployment", "DaemonSet"):
        template = one["spec"]["template"]
        named = {"name": one["metadata"]["name"], "namespace": FOLDER, "labels": template["metadata"]["labels"]}
        text = as_text({"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": template["spec"]})
        done = cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", given=text)
        assert (done.returncode, done.stderr) == (0, ""), named["name"]
