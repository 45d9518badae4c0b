"""docs/metrics.md lists the metrics of the code with their labels: all of them, and no other."""

import re
from pathlib import Path

from tests.deploy.listed_metrics import LABELS, listed

REPO = Path(__file__).resolve().parents[2]
OF_THE_LIBRARY = set(re.findall(r"`((?:python|process)_[a-z_]+)`", (REPO / "docs/metrics.md").read_text()))


def test_the_list_is_that_of_the_code():
    assert len(LABELS) > 40
    assert {name: labels for name, labels in listed().items() if name not in OF_THE_LIBRARY} == LABELS
