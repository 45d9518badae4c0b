"""The rules of deploy/observability as the cluster's Prometheus Operator takes them. `make contracts` writes them anew."""

import yaml

from stack import observability
from tests.deploy.manifests import K8S, REPO, Document

PLACE = K8S / "components" / "observability" / "rules.yaml"
HEAD = "# Made of deploy/observability by `make contracts`. Edits are lost.\n"


def document() -> Document:
    groups = [group for file in observability.rule_files(REPO) for group in yaml.safe_load(file.read_text())["groups"]]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "minsu", "labels": {"app.kubernetes.io/part-of": "minsu"}},
        "spec": {"groups": groups},
    }


if __name__ == "__main__":
    PLACE.write_text(HEAD + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120))
