"""The Go service in notification's place, in a cluster: the component changes an image, and nothing else."""

import os

import yaml

from tests.deploy.manifests import K8S, built


def test_the_component_changes_one_image_and_nothing_else(kubectl, manifests, tmp_path):
    component = os.path.relpath(K8S / "components/notification-go", tmp_path)
    base = os.path.relpath(K8S / "overlays/dev", tmp_path)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [base],
        "components": [component],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    before, after = manifests["dev"], built(kubectl, str(tmp_path))
    [app] = after.one("Deployment", "notification")["spec"]["template"]["spec"]["containers"]
    [python] = before.one("Deployment", "notification")["spec"]["template"]["spec"]["containers"]
    name, version = python["image"].split(":")
    assert (name, app["image"]) == ("minsu/notification", f"minsu/notification-go:{version}")
    app["image"] = python["image"]
    assert after.all == before.all
