"""docs/metrics.md lists the metrics of the code: all of them, and no other."""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SOURCES = "\n".join(path.read_text() for path in REPO.glob("*/*/src/**/*.py"))
DEFINED = set(re.findall(r'\b(?:Counter|Gauge|Histogram)\(\s*"([a-z_]+)"', SOURCES))
OF_THE_LIBRARY = set(re.findall(r"`((?:python|process)_[a-z_]+)`", (REPO / "docs/metrics.md").read_text()))


def listed() -> set[str]:
    rows = re.findall(r"^\| (`[^|]+`) \|", (REPO / "docs/metrics.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}


def test_the_list_is_that_of_the_code():
    assert len(DEFINED) > 40
    assert listed() - OF_THE_LIBRARY == DEFINED
