"""Reading what kustomize has built."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).resolve().parents[2]
K8S = REPO / "deploy" / "k8s"
OVERLAYS = ("dev", "production", "production-external")
Document = dict[str, Any]


@dataclass
class Documents:
    all: list[Document]

    def of(self, *kinds: str) -> list[Document]:
        return [one for one in self.all if one["kind"] in kinds]

    def one(self, kind: str, name: str) -> Document:
        [found] = [one for one in self.of(kind) if one["metadata"]["name"] == name]
        return found

    def names(self, *kinds: str) -> set[str]:
        return {one["metadata"]["name"] for one in self.of(*kinds)}

    def workloads(self) -> Iterator[tuple[str, Document, Document]]:
        """(Kind/name, pod template's metadata, pod) of everything of ours that runs."""
        for one in self.of("Deployment", "Job"):
            template = one["spec"]["template"]
            yield f"{one['kind']}/{one['metadata']['name']}", template["metadata"], template["spec"]

    def services(self) -> dict[str, Document]:
        """app-id → pod template of what has a sidecar."""
        found = {}
        for one in self.of("Deployment"):
            template = one["spec"]["template"]
            if template["metadata"].get("annotations", {}).get("dapr.io/enabled") == "true":
                found[template["metadata"]["annotations"]["dapr.io/app-id"]] = template
        return found


def built(kubectl: Path, folder: str) -> Documents:
    done = subprocess.run([kubectl, "kustomize", K8S / folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Documents([one for one in yaml.safe_load_all(done.stdout) if one])


def settings_of(documents: Documents, service: str) -> dict[str, str]:
    """What a service is told beside its secrets."""
    pod = documents.services()[service]["spec"]["containers"][0]
    told = {one["name"]: one["value"] for one in pod["env"] if "value" in one}
    for source in pod["envFrom"]:
        told |= documents.one("ConfigMap", source["configMapRef"]["name"])["data"]
    return told
