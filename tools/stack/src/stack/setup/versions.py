"""Reads versions.env, the one list of pinned versions."""

from __future__ import annotations

import re
from pathlib import Path


def repository() -> Path:
    return Path(__file__).resolve().parents[5]


def read(path: Path | None = None) -> dict[str, str]:
    lines = (path or repository() / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def parse(text: str) -> tuple[int, ...]:
    """The first dotted number in a text: 'go1.26.8' → (1, 26, 8)."""
    found = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def at_least(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    width = max(len(found), len(wanted))
    return found + (0,) * (width - len(found)) >= wanted + (0,) * (width - len(wanted))
