"""The words in which the tests of the API server ask it."""

import yaml

from tests.deploy.manifests import K8S

NAMESPACES = {"dev": "minsu-dev", "production": "minsu", "production-external": "minsu"}


def as_text(*documents):
    return yaml.safe_dump_all(documents)


def apply(cluster, overlay):
    return cluster.kubectl("apply", "--server-side", "--validate=strict", "-k", str(K8S / "overlays" / overlay))


def install(cluster, overlay):
    """Applies `overlay` in a namespace where another one may be: a Job's template never changes, and an installation
    keeps its overlay, so the Jobs of another go first."""
    cluster.must("delete", "jobs", "--all", "--namespace", NAMESPACES[overlay])
    return apply(cluster, overlay)
