"""What was downloaded is what was reviewed: files of a folder against a list in the format of sha256sum."""

from __future__ import annotations

import hashlib
from pathlib import Path

from stack.setup import progress


def require(folder: Path, sums: Path) -> None:
    """Raises StepFailed when a file is missing, is one too many, or differs."""
    expected = {name: found for found, _, name in (line.partition("  ") for line in sums.read_text().splitlines())}
    found = {line.name: _sum(line) for line in sorted(folder.iterdir())}
    wrong = [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]
    if wrong:
        raise progress.StepFailed(f"{folder} is not what {sums} lists: {', '.join(wrong)}")


def _sum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
