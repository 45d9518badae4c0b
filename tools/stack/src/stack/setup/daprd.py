"""The sidecar's binary in .tools/bin: one installed on the machine, the cache's, or one built from the pinned module.

Dapr builds about 140 components into it; ours holds those that this repository uses, for a third of the time and memory.
"""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stack.setup import gobuild, progress, versions

COMPONENTS = (
    "bindings.cron",
    "bindings.http",
    "bindings.localstorage",
    "nameresolution.sqlite",
    "pubsub.kafka",
    "secretstores.local.file",
)
"""The types in components/ and the name resolution of dapr/config.yaml; tests/test_daprd.py compares them."""
REGISTRATIONS = Path("cmd") / "daprd" / "components"
"""One file a component, `pubsub_kafka.go`: daprd holds what is registered there."""
BUILD_TAG = "allcomponents"
"""Each of those files is compiled only with a tag; this one is in all of them."""
NOT_BUILT = ("tests", "docs", ".github")


def target(repo: Path) -> Path:
    return repo / ".tools" / "bin" / "daprd"


def present(repo: Path) -> bool:
    return usable(target(repo), versions.read(repo / "versions.env")["DAPR_VERSION"])


def on_machine(version: str) -> Path | None:
    """An installed daprd, when it will do."""
    candidates = [shutil.which("daprd"), str(Path.home() / ".dapr" / "bin" / "daprd")]
    return next((Path(one) for one in candidates if one and usable(Path(one), version)), None)


def usable(binary: Path, version: str) -> bool:
    """Exactly this version, with every component that we use: what is tested is what the images ship."""
    if not binary.is_file() or not os.access(binary, os.X_OK):
        return False
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - our pick
    return versions.parse(said) == versions.parse(version) and _holds(binary, COMPONENTS)


def _holds(binary: Path, components: tuple[str, ...]) -> bool:
    packages = (f"components-contrib/{one.replace('.', '/')}.".encode() for one in components)
    with binary.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return all(content.find(package) >= 0 for package in packages)


def cached(pins: Mapping[str, str]) -> Path:
    return gobuild.place("daprd", pins["DAPR_VERSION"], pins["DAPR_MODULE_SUM"], *COMPONENTS)


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
        progress.say(f"  ✓ daprd {pins['DAPR_VERSION']} found at {found}")
        return
    store = cached(pins)
    if not gobuild.intact(store):
        _build(pins, store, logs)
    shutil.copy2(store, place)
    progress.say(f"  ✓ daprd {pins['DAPR_VERSION']} in place")


def _build(pins: Mapping[str, str], store: Path, logs: Path) -> None:
    version, module = pins["DAPR_VERSION"], pins["DAPR_MODULE"]
    source = gobuild.source(module, version, pins["DAPR_MODULE_SUM"], logs)
    flags = f"-s -w -X {module}/pkg/buildinfo.version={version}"
    with tempfile.TemporaryDirectory(prefix="minsu-daprd-") as folder:
        reduced = reduce(source, Path(folder) / "dapr")
        argv = ["go", "build", "-C", str(reduced), "-tags", BUILD_TAG, "-trimpath", "-ldflags", flags]
        gobuild.build(f"daprd {version}", argv, "./cmd/daprd", store, logs)


def reduce(source: Path, copy: Path, components: tuple[str, ...] = COMPONENTS) -> Path:
    """Copy daprd's source with the registrations of `components` alone; StepFailed when it does not have one of them."""
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*NOT_BUILT), copy_function=shutil.copyfile)
    kept = {f"{one.replace('.', '_')}.go" for one in components}
    folder = copy / REGISTRATIONS
    folder.chmod(0o755)  # Go's cache is read-only, and the copy with it
    for file in folder.iterdir():
        if file.name in kept:
            kept.remove(file.name)
        else:
            file.unlink()
    if kept:
        raise progress.StepFailed(f"{source} has no {', '.join(sorted(kept))} in {REGISTRATIONS}")
    return copy
