"""Comments point to sections of docs/wechat-pay-v3.md that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SECTIONS = set(
    re.findall(r"^#{2,3} (\d+(?:\.\d+)?) ", (REPOSITORY / "docs" / "wechat-pay-v3.md").read_text(), re.MULTILINE)
)
APP = REPOSITORY / "apps" / "wechatsim"
FILES = [path for path in (*APP.rglob("*.py"), *APP.glob("*.md")) if re.search(r"§\d", path.read_text())]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(APP)))
def test_every_referenced_section_exists(path: Path) -> None:
    text = path.read_text()
    pointers = re.findall(r"wechat-pay-v3\.md ((?:(?:, | and )?§\d+(?:\.\d+)?)+)", text)
    sections = re.findall(r"§(\d+(?:\.\d+)?)", " ".join(pointers))
    assert len(sections) == len(re.findall(r"§\d", text)), "a section sign without the document's name"
    assert set(sections) <= SECTIONS
