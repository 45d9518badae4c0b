"""The recorder of tools/stack/recorder, in Go without libraries: built once for each content of its source."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from stack.setup import gobuild, preflight

SOURCE = Path("tools") / "stack" / "recorder"


def missing(repo: Path) -> list[preflight.Missing]:
    """What building it lacks on this machine; nothing when it is built."""
    lacking = None if gobuild.intact(_cached(repo)) else preflight.go()
    return [lacking] if lacking else []


def install(repo: Path, logs: Path) -> Path:
    """Returns the binary in .tools/bin, of the source as it is now. Raises StepFailed."""
    store, place = _cached(repo), repo / ".tools" / "bin" / "recorder"
    if not gobuild.intact(store):
        argv = ["go", "build", "-C", str(repo / SOURCE), "-trimpath", "-ldflags", "-s -w"]
        gobuild.build("recorder", argv, ".", store, logs)
    if not place.exists() or place.read_bytes() != store.read_bytes():
        fresh = place.with_name("recorder.new")  # one that runs is not written into
        shutil.copy2(store, fresh)
        fresh.replace(place)
    return place


def _cached(repo: Path) -> Path:
    whole = hashlib.sha256()
    for file in sorted((repo / SOURCE).iterdir()):
        if file.suffix in {".go", ".mod"}:
            whole.update(file.name.encode() + b"\0" + file.read_bytes())
    return gobuild.place("recorder", "1", whole.hexdigest())
