"""Every alert, run by Prometheus' own promtool: silent where it should be, firing where it should (alert_cases.yaml)."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.prometheus_rules import ALERTS, FILES

REPO = Path(__file__).resolve().parents[2]
CASES = yaml.safe_load(Path(__file__).with_name("alert_cases.yaml").read_text())


def test_prometheus_reads_every_file(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "rules", *FILES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    assert {case["alert"] for case in CASES} == set(ALERTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['alert']}-{case.get('labels', {}).get('slo', '')}")
def test_it_fires_when_it_should_and_only_then(case: dict[str, Any], promtool: str, tmp_path: Path) -> None:
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(_promtools_file(case), allow_unicode=True))
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _promtools_file(case: dict[str, Any]) -> dict[str, Any]:
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
        "rule_files": [str(file) for file in FILES],
        "evaluation_interval": case.get("evaluate", "30s"),
        "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": checks}],
    }


def _rendered(text: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
