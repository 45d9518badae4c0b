"""Programs built from pinned Go modules, kept in the user's cache under a name that holds what decides their content."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from pathlib import Path

from stack.setup import progress

ENVIRONMENT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "auto"}


def place(program: str, version: str, *decides: str) -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minsu"
    what = "|".join([*decides, platform.system(), platform.machine()])
    return root / f"{program}-{version}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"


def intact(binary: Path) -> bool:
    stamp = _stamp(binary)
    return binary.exists() and stamp.exists() and stamp.read_text().strip() == _sha256(binary)


def source(module: str, version: str, wanted: str, logs: Path) -> Path:
    """The module's own folder, after its sum has been held to the pinned one."""
    logs.mkdir(parents=True, exist_ok=True)
    listing = logs / f"{module.rpartition('/')[2]}-module.json"
    argv = ["go", "mod", "download", "-json", f"{module}@v{version}"]
    progress.run(f"source of {module} {version}", argv, log=listing, env={**os.environ, **ENVIRONMENT})
    text = listing.read_text()
    found = json.loads(text[text.index("{") :])
    if found["Sum"] != wanted:
        raise progress.StepFailed(f"{module}@v{version} has the sum {found['Sum']}, versions.env pins {wanted}")
    return Path(found["Dir"])


def build(title: str, command: list[str], package: str, store: Path, logs: Path) -> None:
    """`command` is `go build …` without output and package. The cache gets the binary whole or not at all."""
    logs.mkdir(parents=True, exist_ok=True)
    store.parent.mkdir(parents=True, exist_ok=True)
    fresh = store.with_name(f"{store.name}.{os.getpid()}")
    argv = [*command, "-o", str(fresh), package]
    log = logs / f"{store.name}.log"
    progress.run(f"{title}, built from its module (minutes, once)", argv, log=log, env={**os.environ, **ENVIRONMENT})
    _stamp(store).write_text(_sha256(fresh) + "\n")
    fresh.replace(store)


def _stamp(binary: Path) -> Path:
    return binary.with_name(f"{binary.name}.sha256")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
