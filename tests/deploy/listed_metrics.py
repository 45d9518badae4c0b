"""The metrics that the code defines, and those that docs/metrics.md lists."""

import re

from tests.deploy.manifests import REPO

SOURCES = "\n".join(path.read_text() for path in REPO.glob("*/*/src/**/*.py"))
DEFINED = set(re.findall(r'\b(?:Counter|Gauge|Histogram)\(\s*"([a-z_]+)"', SOURCES))


def listed() -> set[str]:
    rows = re.findall(r"^\| (`[^|]+`) \|", (REPO / "docs/metrics.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
