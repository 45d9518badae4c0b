"""axe-core, which browser tests hold pages to, in .tools/axe: fetched for tests alone, never shipped."""

from __future__ import annotations

from pathlib import Path

from stack.setup import npm, versions


def script(repo: Path) -> Path:
    return repo / ".tools" / "axe" / "axe.min.js"


def present(repo: Path) -> bool:
    """As versions.env wants it."""
    stamp = script(repo).parent / "package"
    return stamp.exists() and stamp.read_text() == versions.read(repo / "versions.env")["AXE_PACKAGE"]


def install(repo: Path, logs: Path) -> None:
    if present(repo):
        return
    pins = versions.read(repo / "versions.env")
    folder = script(repo).parent
    members = {"axe.min.js": script(repo), "LICENSE": folder / "LICENSE"}
    npm.unpack(pins["AXE_PACKAGE"], pins["AXE_SHA512"], members, logs)
    (folder / "package").write_text(pins["AXE_PACKAGE"])
