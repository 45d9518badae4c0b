"""The sidecar's binary in .tools/bin: one found on the machine, the cache's, or one built from the pinned module."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
from pathlib import Path

from stack.setup import gobuild, progress, versions

NEEDED_COMPONENT = b"components-contrib/nameresolution/sqlite"


def target(repo: Path) -> Path:
    return repo / ".tools" / "bin" / "daprd"


def present(repo: Path) -> bool:
    return usable(target(repo), versions.read(repo / "versions.env")["DAPR_VERSION"])


def on_machine(version: str) -> Path | None:
    """A daprd that somebody has installed, when it will do."""
    candidates = [shutil.which("daprd"), str(Path.home() / ".dapr" / "bin" / "daprd")]
    return next((Path(one) for one in candidates if one and usable(Path(one), version)), None)


def usable(binary: Path, version: str) -> bool:
    """The same minor version, and built with all components: SQLite name resolution is in no smaller build."""
    if not binary.is_file() or not os.access(binary, os.X_OK):
        return False
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - our pick
    return versions.parse(said)[:2] == versions.parse(version)[:2] and _holds(binary, NEEDED_COMPONENT)


def _holds(binary: Path, needle: bytes) -> bool:
    with binary.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(needle) >= 0


def cached(pins: dict[str, str]) -> Path:
    return gobuild.place("daprd", pins["DAPR_VERSION"], pins["DAPR_MODULE_SUM"], pins["DAPR_BUILD_TAGS"])


def needs_go(repo: Path) -> bool:
    pins = versions.read(repo / "versions.env")
    return not (present(repo) or on_machine(pins["DAPR_VERSION"]) or gobuild.intact(cached(pins)))


def install(repo: Path, logs: Path) -> None:
    if present(repo):
        return
    pins = versions.read(repo / "versions.env")
    place = target(repo)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    found = on_machine(pins["DAPR_VERSION"])
    if found is not None:
        place.symlink_to(found)
        progress.say(f"  ✓ daprd {pins['DAPR_VERSION'].rpartition('.')[0]} found at {found}")
        return
    store = cached(pins)
    if not gobuild.intact(store):
        _build(pins, store, logs)
    shutil.copy2(store, place)
    progress.say(f"  ✓ daprd {pins['DAPR_VERSION']} in place")


def _build(pins: dict[str, str], store: Path, logs: Path) -> None:
    version, module = pins["DAPR_VERSION"], pins["DAPR_MODULE"]
    source = gobuild.source(module, version, pins["DAPR_MODULE_SUM"], logs)
    flags = f"-s -w -X {module}/pkg/buildinfo.version={version}"
    argv = ["go", "build", "-C", str(source), "-tags", pins["DAPR_BUILD_TAGS"], "-trimpath", "-ldflags", flags]
    gobuild.build(f"daprd {version}", argv, "./cmd/daprd", store, logs)
