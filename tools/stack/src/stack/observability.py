"""`make up OBS=1`: a real Jaeger that takes the spans of every app and sidecar, and a real Prometheus that scrapes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from stack import daprfile, replicas
from stack.environment import inherited
from stack.errors import StackError
from stack.layout import Layout
from stack.processes import Program
from stack.setup import first, jaeger, preflight, progress

RULES = Path("deploy") / "observability"
MOST_TRACES = 20_000
SCRAPE_EVERY = "5s"


def require(layout: Layout) -> None:
    """Before anything starts: raises StackError with all that is missing; builds Jaeger the first time."""
    if lacking := first.for_observing(layout.repo):
        raise StackError(preflight.report(lacking))
    _jaeger_binary(layout)


def _jaeger_binary(layout: Layout) -> Path:
    try:
        return jaeger.install(layout.repo, layout.tools / "logs")
    except progress.StepFailed as failure:
        raise StackError(str(failure)) from None


def jaeger_config(layout: Layout) -> dict[str, Any]:
    """OTLP over HTTP in, memory, the query API out: all on loopback; nothing of Jaeger's own is measured."""

    def at(name: str) -> dict[str, str]:
        return {"endpoint": f"127.0.0.1:{layout.port(name)}"}

    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}},
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
        },
        "extensions": {
            "jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": MOST_TRACES}}}},
            "jaeger_query": {"storage": {"traces": "memory"}, "http": at("jaeger"), "grpc": at("jaeger-grpc")},
        },
        "receivers": {"otlp": {"protocols": {"http": at("jaeger-otlp")}}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
    }


def jaeger_program(layout: Layout) -> Program:
    home = layout.run / "jaeger"
    home.mkdir(parents=True, exist_ok=True)
    config = home / "config.yaml"
    config.write_text(yaml.safe_dump(jaeger_config(layout), sort_keys=False))
    argv = [str(_jaeger_binary(layout)), "--config", str(config)]
    return Program("jaeger", argv, inherited(), home)


def prometheus_config(layout: Layout) -> dict[str, Any]:
    """Every replica and its sidecar, under the labels that the cluster's monitors give them (deploy/k8s)."""
    return {
        "global": {"scrape_interval": SCRAPE_EVERY, "evaluation_interval": SCRAPE_EVERY},
        "rule_files": [str(file) for file in rule_files(layout.repo)],
        "scrape_configs": [
            {"job_name": "apps", "static_configs": list(_targets(layout, sidecars=False))},
            {"job_name": "daprd", "static_configs": list(_targets(layout, sidecars=True))},
        ],
    }


def rule_files(repo: Path) -> list[Path]:
    """The files of groups; promtool's tests of them lie beside them."""
    found = sorted((repo / RULES).glob("*.yaml"))
    return [file for file in found if "groups" in yaml.safe_load(file.read_text())]


def _targets(layout: Layout, *, sidecars: bool) -> Iterator[dict[str, Any]]:
    for name, app in replicas.named(daprfile.apps(layout.rendered_dapr_file), layout):
        port = app.port("metricsPort" if sidecars else "appPort")
        instance, job = (f"{name}-daprd", "daprd") if sidecars else (name, app.id)
        yield {"targets": [f"127.0.0.1:{port}"], "labels": {"app": app.id, "job": job, "instance": instance}}


def prometheus_program(layout: Layout) -> Program:
    home = layout.run / "prometheus"
    home.mkdir(parents=True, exist_ok=True)
    config = home / "prometheus.yml"
    config.write_text(yaml.safe_dump(prometheus_config(layout), sort_keys=False))
    argv = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address=127.0.0.1:{layout.port('prometheus')}", "--storage.tsdb.retention.time=2d",
        "--log.level=warn",
    ]  # fmt: skip
    return Program("prometheus", argv, inherited(), home)
