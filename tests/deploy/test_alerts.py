"""Every alert watches a metric that the services have, and has its section in the runbook."""

import re
from pathlib import Path

import pytest

from tests.deploy.listed_metrics import DEFINED
from tests.deploy.prometheus_rules import ALERTS, RULES
from tests.support.exposition import names_in

REPO = Path(__file__).resolve().parents[2]
RUNBOOK = (REPO / "docs/runbook.md").read_text()
RECORDED = {rule["record"] for rule in RULES if "record" in rule}


@pytest.mark.parametrize("rule", ALERTS.values(), ids=lambda rule: rule["alert"])
def test_it_says_what_to_do(rule):
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert f"## {rule['alert']}\n" in RUNBOOK


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_it_watches_what_there_is(rule):
    watched = {re.sub(r"_(bucket|count|sum)$", "", name) for name in names_in(rule["expr"])}
    assert watched or rule["record"] == "slo:budget:ratio"
    assert watched <= DEFINED | RECORDED


def test_the_runbook_names_only_commands_that_there_are():
    commands = set(re.findall(r"minsu ops ([a-z-]+)", RUNBOOK))
    source = "\n".join(file.read_text() for file in (REPO / "clients/minsu/src/minsu").glob("*_cli.py"))
    named = set(re.findall(r'@\w+\.command\("([a-z-]+)"\)', source))
    plain = set(re.findall(r"^def ([a-z]+)\(", source, re.MULTILINE))

    assert commands <= named | plain
