"""The sidecar's binary in .tools/bin: one found on the machine, the cache's, or one built from the pinned module."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import platform
import shutil
import subprocess
from pathlib import Path

from stack.setup import progress, versions

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
    """Where the built binary lies for every checkout of this user; its name holds all that decides its content."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minsu"
    what = "|".join([pins["DAPR_MODULE_SUM"], pins["DAPR_BUILD_TAGS"], platform.system(), platform.machine()])
    return root / f"daprd-{pins['DAPR_VERSION']}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"


def intact(binary: Path) -> bool:
    stamp = _stamp(binary)
    return binary.exists() and stamp.exists() and stamp.read_text().strip() == _sha256(binary)


def _stamp(binary: Path) -> Path:
    """Beside the binary; not `with_suffix`, which would take the version's last part for one."""
    return binary.with_name(f"{binary.name}.sha256")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def needs_go(repo: Path) -> bool:
    pins = versions.read(repo / "versions.env")
    return not (present(repo) or on_machine(pins["DAPR_VERSION"]) or intact(cached(pins)))


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
    if not intact(store):
        _build(pins, store, logs)
    shutil.copy2(store, place)
    progress.say(f"  ✓ daprd {pins['DAPR_VERSION']} in place")


def _build(pins: dict[str, str], store: Path, logs: Path) -> None:
    env = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "auto"}
    version, module = pins["DAPR_VERSION"], f"{pins['DAPR_MODULE']}@v{pins['DAPR_VERSION']}"
    listing = logs / "daprd-module.json"
    progress.run(f"source of daprd {version}", ["go", "mod", "download", "-json", module], log=listing, env=env)
    source = json.loads(listing.read_text()[listing.read_text().index("{") :])
    if source["Sum"] != pins["DAPR_MODULE_SUM"]:
        raise progress.StepFailed(f"{module} has the sum {source['Sum']}, versions.env pins {pins['DAPR_MODULE_SUM']}")
    store.parent.mkdir(parents=True, exist_ok=True)
    fresh = store.with_name(f"{store.name}.{os.getpid()}")
    argv = [
        "go", "build", "-C", source["Dir"], "-tags", pins["DAPR_BUILD_TAGS"], "-trimpath",
        "-ldflags", f"-s -w -X {pins['DAPR_MODULE']}/pkg/buildinfo.version={version}",
        "-o", str(fresh), "./cmd/daprd",
    ]  # fmt: skip
    progress.run(f"daprd {version}, built from its module (minutes, once)", argv, log=logs / "daprd.log", env=env)
    _stamp(store).write_text(_sha256(fresh) + "\n")
    fresh.replace(store)
