"""Writes deploy/observability/dashboards/*.json, which Grafana loads, from deploy/observability/dashboards.toml.
`make contracts` writes them anew."""

import json
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "deploy/observability"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 12, 8
"""Of a panel; Grafana's grid is 24 wide."""


def source() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "dashboards.toml").read_text())


def documents() -> Iterator[tuple[Path, str]]:
    """Each dashboard's file and what has to be in it."""
    for name, each in source().items():
        text = json.dumps(_dashboard(name, each), ensure_ascii=False, indent=1)
        yield FOLDER / "dashboards" / f"{name}.json", text + "\n"


def _dashboard(name: str, described: dict[str, Any]) -> dict[str, Any]:
    choice = {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus"}
    return {
        "uid": f"minsu-{name}",
        "title": described["title"],
        "tags": ["minsu"],
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [choice]},
        "annotations": {"list": []},
        "panels": [_panel(place, each) for place, each in enumerate(described["panels"])],
    }


def _panel(place: int, described: dict[str, Any]) -> dict[str, Any]:
    queries = zip(string.ascii_uppercase, described["queries"].items(), strict=False)
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": described["title"],
        "datasource": DATASOURCE,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": place % 2 * WIDTH, "y": place // 2 * HEIGHT},
        "fieldConfig": {"defaults": {"unit": described["unit"], "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": letter, "datasource": DATASOURCE, "expr": expression, "legendFormat": legend}
            for letter, (legend, expression) in queries
        ],
    }


if __name__ == "__main__":
    for file, text in documents():
        file.write_text(text)
