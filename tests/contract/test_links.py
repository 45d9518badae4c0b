"""Links between documents: the file exists, and so does the heading after `#`, as GitHub makes anchors of headings."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
FOLDERS = ("apps", "clients", "deploy", "docs", "libs", "tests", "tools")
PAGES = sorted(
    [
        *REPO.glob("*.md"),
        *REPO.glob("seats/*/*.md"),
        *(page for folder in FOLDERS for page in (REPO / folder).rglob("*.md")),
    ]
)
LINK = re.compile(r"\]\(([^()\s]+)\)")


def _prose(page: Path) -> str:
    """Without blocks of code, where `#` begins a comment."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


@cache
def _anchors(page: Path) -> frozenset[str]:
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in re.findall(r"^#+ +(.*?) *$", _prose(page), re.MULTILINE):
        anchor = re.sub(r"[^\w -]", "", LINK.sub("]", heading).lower()).replace(" ", "-")
        anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return frozenset(anchors)


def _broken(page: Path) -> list[str]:
    lost = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", _prose(page))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    return lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    assert _broken(page) == []


def test_a_heading_that_is_not_there_is_found(tmp_path):
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# A `b.py`: c\n```\n# no heading\n```\n## Twice\n## Twice\n")
    page.write_text(
        "# Top\n[1](#top) [2](other.md#a-bpy-c) [3](other.md#twice-1) [4](https://example.com#x) `[5](no.md)`\n"
        "[6](#bottom) [7](other.md#no-heading) [8](other.md#twice-2) [9](absent.md)\n"
    )
    assert _broken(page) == ["#bottom", "other.md#no-heading", "other.md#twice-2", "absent.md"]
