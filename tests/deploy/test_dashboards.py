"""The dashboards are what dashboards.toml describes, valid for Grafana and for Prometheus, about metrics that there are."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.deploy import dashboards
from tests.deploy.prometheus_rules import FILES
from tests.support.exposition import names_in

SCHEMA = Path(__file__).with_name("grafana")
DOCUMENTS = dict(dashboards.documents())


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_what_is_committed_is_what_is_described(file: Path) -> None:
    assert file.read_text() == DOCUMENTS[file], "run: make contracts"


def test_there_is_no_other_file() -> None:
    assert set((dashboards.FOLDER / "dashboards").iterdir()) == set(DOCUMENTS)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_grafana_can_load_it(file: Path) -> None:
    content = (SCHEMA / "dashboard.jsonschema.json").read_bytes()
    checksum, name = (SCHEMA / "SHA256SUMS").read_text().split()
    assert (hashlib.sha256(content).hexdigest(), "dashboard.jsonschema.json") == (checksum, name)
    problems = [f"{error.json_path}: {error.message}" for error in _validator(content).iter_errors(_loaded(file))]
    assert problems == []


def test_a_misspelt_field_would_be_found() -> None:
    content = (SCHEMA / "dashboard.jsonschema.json").read_bytes()
    document = _loaded(next(iter(DOCUMENTS)))
    document["refrehs"] = document.pop("refresh")
    assert [error.json_path for error in _validator(content).iter_errors(document)] == ["$"]


def test_prometheus_understands_every_query(promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"query{number}", "expr": query} for number, query in enumerate(queries())]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_recorded_series_are_recorded() -> None:
    rules = [rule for file in FILES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    named = {name for query in queries() for name in names_in(query) if ":" in name}
    assert named <= recorded


def queries() -> list[str]:
    return [
        query
        for each in dashboards.source().values()
        for panel in each["panels"]
        for query in panel["queries"].values()
    ]


def _loaded(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def _validator(schema: bytes) -> Draft7Validator:
    return Draft7Validator(json.loads(schema))
