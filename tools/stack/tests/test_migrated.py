"""When `make up` migrates and seeds again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stack import system


@pytest.mark.parametrize(
    ("service", "changed", "again"),
    [
        ("order", "migrations/0002_more.py", True),
        ("order", "booking.py", False),
        ("travel", "seed.py", True),  # the seed may use any module
    ],
)
def test_a_database_is_prepared_again_when_what_prepared_it_has_changed(
    tmp_path: Path, service: str, changed: str, again: bool
) -> None:
    layout = SimpleNamespace(repo=tmp_path, run=tmp_path)
    outside = SimpleNamespace(databases={})
    told = {"migration": lambda name: {"owner": name}, "seed": lambda name: {"seed": name}}
    environment: Any = SimpleNamespace(layout=layout, outside=outside, database_url=lambda name: f"db/{name}", **told)
    file = tmp_path / "apps" / service / "src" / service / changed
    file.parent.mkdir(parents=True)
    file.write_text("before")
    stamp = system._stamp(tmp_path, service)
    stamp.write_text(system._source(environment, service))
    assert system._source_unchanged(environment, service, tmp_path)
    file.write_text("after")
    assert system._source_unchanged(environment, service, tmp_path) is not again
