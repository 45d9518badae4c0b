"""What is for a laptop alone is in no overlay of production: sandbox, seeds, demo accounts, open switches."""

import re

import pytest

from tests.deploy.manifests import K8S

OVERLAYS = ("production", "production-external")
SHARED = ("base", "components/merchant", "components/kafka", "components/observability")
OPENING = re.compile(
    r"wechatsim|\bseed\b|GATEWAY_DEMO|GATEWAY_CASHIER_URL|ALLOW_LOCAL|ALLOW_REMOTE|LOG_LEVEL=DEBUG|allow-local|--reload"
)


def told(path):
    """The lines of a manifest or file of settings that open something; comments are none."""
    lines = (line.partition("#")[0] for line in path.read_text("utf-8").splitlines())
    return [line.strip() for line in lines if OPENING.search(line)]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_of_production_has_neither_sandbox_nor_seeds_nor_open_switches(overlay):
    overlay_files = [K8S / "overlays" / overlay, *(K8S / each for each in SHARED)]
    files = [path for folder in overlay_files for path in folder.rglob("*") if path.suffix in {".yaml", ".env"}]
    assert len(files) > 20
    assert {str(path.relative_to(K8S)): told(path) for path in files if told(path)} == {}


def test_the_overlay_that_plays_wechat_is_found_to():
    assert told(K8S / "overlays" / "dev" / "kustomization.yaml")
