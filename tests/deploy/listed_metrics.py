"""The metrics that the code defines, and those that docs/metrics.md lists, each with its labels."""

import ast
import re
from collections.abc import Iterator

from tests.deploy.manifests import REPO

KINDS = {"Counter", "Gauge", "Histogram"}


def _defined() -> Iterator[tuple[str, tuple[str, ...]]]:
    sources = [path.read_text() for path in REPO.glob("*/*/src/**/*.py")]
    for source in sources:
        if "prometheus_client" in source:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call) and _is_metric(node):
                    name, _, *labels = node.args
                    yield ast.literal_eval(name), tuple(ast.literal_eval(labels[0])) if labels else ()


def _is_metric(call: ast.Call) -> bool:
    """With a text as its name: `Counter` of collections has none."""
    kind = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return kind in KINDS and bool(call.args) and isinstance(call.args[0], ast.Constant)


LABELS = dict(_defined())
"""Name → labels."""
DEFINED = set(LABELS)


def listed() -> dict[str, tuple[str, ...]]:
    """Name → labels, as the tables of docs/metrics.md have them."""
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]*)\|", (REPO / "docs/metrics.md").read_text(), re.MULTILINE)
    return {name: tuple(_names(labels)) for names, labels in rows for name in _names(names)}


def _names(cell: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", cell)
