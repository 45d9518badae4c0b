"""Every alert, run by Prometheus' own promtool: silent where it should be, firing where it should (alert_cases.yaml)."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.prometheus_rules import ALERTS, FILES, GROUPS, RULES

REPO = Path(__file__).resolve().parents[2]
CASES = yaml.safe_load(Path(__file__).with_name("alert_cases.yaml").read_text())


def test_prometheus_reads_every_file(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "rules", *FILES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    assert {case["alert"] for case in CASES} == set(ALERTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['alert']}-{case.get('labels', {}).get('slo', '')}")
def test_it_fires_when_it_should_and_only_then(case: dict[str, Any], promtool: str, tmp_path: Path) -> None:
    rules, file = tmp_path / "rules.yaml", tmp_path / "test.yaml"
    rules.write_text(yaml.safe_dump({"groups": _needed_groups(ALERTS[case["alert"]])}, allow_unicode=True))
    file.write_text(yaml.safe_dump(_promtools_file(case, rules), allow_unicode=True))
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _needed_groups(alert: dict[str, Any]) -> list[dict[str, Any]]:
    """The groups as they are, less what this alert does not read: promtool evaluates each rule at every step."""
    needed: list[dict[str, Any]] = []
    reading = [alert]
    while reading:
        rule = reading.pop()
        needed.append(rule)
        reading += [each for each in RULES if each.get("record", "-") in rule["expr"] and each not in needed]
    kept = [group | {"rules": [rule for rule in group["rules"] if rule in needed]} for group in GROUPS]
    return [group for group in kept if group["rules"]]


def _promtools_file(case: dict[str, Any], rules: Path) -> dict[str, Any]:
    rule, labels = ALERTS[case["alert"]], case.get("labels", {})
    fired = {
        "exp_labels": labels | rule["labels"],
        "exp_annotations": {name: _rendered(text, labels) for name, text in rule["annotations"].items()},
    }
    checks = [
        {"eval_time": case["silent"], "alertname": case["alert"], "exp_alerts": []},
        {"eval_time": case["fires"], "alertname": case["alert"], "exp_alerts": [fired]},
    ]
    series = [{"series": name, "values": values} for name, values in case["series"].items()]
    return {
        "rule_files": [str(rules)],
        "evaluation_interval": case.get("evaluate", "30s"),
        "tests": [{"interval": case.get("step", "1m"), "input_series": series, "alert_rule_test": checks}],
    }


def _rendered(text: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
