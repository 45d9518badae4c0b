"""Every alert watches a metric that the services have, and has its section in the runbook."""

import re
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
RULES = yaml.safe_load((REPO / "deploy/observability/alerts.yaml").read_text())["groups"][0]["rules"]
RUNBOOK = (REPO / "docs/runbook.md").read_text()
SOURCES = "\n".join(path.read_text() for path in REPO.glob("*/*/src/**/*.py"))
METRICS = set(re.findall(r'(?:Counter|Gauge|Histogram)\(\s*"([a-z_]+)"', SOURCES))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_it_watches_what_there_is_and_says_what_to_do(rule):
    watched = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", re.sub(r"\{.*?\}|by \(.*?\)", "", rule["expr"])))

    assert watched
    assert watched <= METRICS
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert f"## {rule['alert']}\n" in RUNBOOK


def test_the_runbook_names_only_commands_that_there_are():
    commands = set(re.findall(r"minsu ops ([a-z-]+)", RUNBOOK))
    source = (REPO / "clients/minsu/src/minsu/ops_cli.py").read_text()
    named = set(re.findall(r'@app\.command\("([a-z-]+)"\)', source))
    plain = set(re.findall(r"^def ([a-z]+)\(", source, re.MULTILINE))

    assert commands <= named | plain
