"""Manifests as kustomize builds them. What takes minutes or a whole system has a target of its own (Makefile)."""

import os
from pathlib import Path

import pytest

from stack.setup import gobuild, kubernetes, preflight, versions
from tests.deploy.manifests import OVERLAYS, Documents, built

# `make k8s-test` and `make mesh-test` set these; `make test` leaves both out.
collect_ignore = [name for name in ("cluster", "mesh") if not os.environ.get(f"MINSU_{name.upper()}_TEST")]


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """kubectl holds kustomize. Built by `make k8s-test` or `make compose-test`, and kept in the user's cache."""
    store = kubernetes.cached(versions.read(), "kubectl")
    if not gobuild.intact(store):
        pytest.skip("kubectl is not built yet: make compose-test builds it, once")
    return store


@pytest.fixture(scope="session")
def promtool() -> str:
    """Without it these tests fail: an alert that was never seen firing is a hope."""
    missing = preflight.prometheus()
    assert missing is None, f"missing {missing.what}: {missing.install}"
    return "promtool"


@pytest.fixture(scope="session")
def manifests(kubectl: Path) -> dict[str, Documents]:
    """Each overlay, whole."""
    return {name: built(kubectl, f"overlays/{name}") for name in OVERLAYS}
