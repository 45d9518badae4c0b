"""What docs/style.md and CONTRIBUTING.md say of names and prose, where a machine can tell."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
TESTS = [
    file
    for pattern in ("tests", "apps/*/tests", "libs/*/tests", "clients/*/tests", "tools/*/tests", "conformance")
    for folder in REPO.glob(pattern)
    for file in sorted(folder.rglob("*.py"))
]
IMPORT = re.compile(r"^[ \t]*(?:from\s+\S+\s+import\s*(?:\([^)]*\)|.*)|import\s.*)", re.MULTILINE)


def test_what_several_tests_need_is_in_no_test_module() -> None:
    """What a test module defines is its own: what others need is in a module that says so by its name."""
    assert len(TESTS) > 300
    imports = [(file, found[0]) for file in TESTS for found in IMPORT.finditer(file.read_text())]
    assert [(file, line) for file, line in imports if re.search(r"\btest_", line)] == []


DIALECT = re.compile(
    r"(?<![a-z])(?:nobody|whoever|somebody|anybody|everybody|(?:for|calls)[ _]a[ _]person(?![a-z])|a[ _]word(?![a-z])"
    r"|mend(?:s|ed|ing)?(?![a-z]))",
    re.IGNORECASE,
)
"""Of docs/style.md, what a machine can tell from other English."""
RELEASED = re.compile(r"ours_to_mend|outcome_mended|\.mended\b|[\"'`]mended[\"'`]|review or mended")
"""Values of the operators' API and its columns, with what is named after them: they stay as they were released."""
NOT_PROSE = {
    "apps/usercenter/src/usercenter/common_passwords.txt",  # what people use as passwords
    "docs/style.md",  # says what not to say
    "tests/unit/test_style.py",
    "tools/stack/src/stack/pgserver.py",  # a Unix account has one of these names
}
NOT_OURS = {"crds", "node_modules", "released", "__pycache__"}
"""Folders: other projects' resources and libraries, and contracts as they were released."""


def texts() -> Iterator[tuple[str, str]]:
    """Path and content of our own files: code, tests, documents, manifests."""
    folders = ("apps", "clients", "components", "conformance", "contracts", "dapr", "deploy", "docs", "libs", "seats")
    found = [file for file in REPO.iterdir() if file.suffix in {".md", ".yml", ".toml"} or file.name == "Makefile"]
    for top in (*folders, "mirrors", "tests", "tools"):
        for folder, inner, names in os.walk(REPO / top):
            inner[:] = [each for each in inner if each not in NOT_OURS and not each.startswith(".")]
            found.extend(Path(folder, name) for name in names)
    for file in found:
        path = str(file.relative_to(REPO))
        if path not in NOT_PROSE and not (content := file.read_bytes()).count(0):
            yield path, content.decode(errors="replace")


def dialect(text: str) -> list[str]:
    """The lines that say what docs/style.md has another name for."""
    return (
        [line for line in text.splitlines() if DIALECT.search(RELEASED.sub("", line))] if DIALECT.search(text) else []
    )


def test_code_and_documents_say_who_and_what() -> None:
    read = dict(texts())
    assert len(read) > 1500
    assert {path: lines for path, text in read.items() if (lines := dialect(text))} == {}, "docs/style.md: names"


@pytest.mark.parametrize(
    "line",
    [
        "Whoever asks",
        "def test_nobody_pays",
        "mended = 1",
        "waits for a person",
        "test_it_calls_a_person",
        "a word on it",
    ],
)
def test_dialect_is_found(line: str) -> None:
    assert dialect(f"before\n{line}\nafter") == [line]


@pytest.mark.parametrize("line", ["recommended", "outcome = 'mended'", "REFUND = 'refund_ours_to_mend'", "a wording"])
def test_other_words_and_released_values_are_not(line: str) -> None:
    assert dialect(line) == []
