"""What docs/style.md and CONTRIBUTING.md say of names and prose, where a machine can tell."""

import re
from pathlib import Path

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
