"""What holds contracts/ to the field's rules: oasdiff (Go), @redocly/cli and @asyncapi/parser (npm). Never shipped.

oasdiff goes to .tools/bin; the npm packages stay in the user's cache, under a name that holds their lock.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from stack import signals
from stack.setup import gobuild, preflight, progress, versions

FOLDER = Path("tools") / "contracts"
MANIFEST = ("package.json", "package-lock.json", ".npmrc")


def oasdiff(repo: Path) -> Path:
    return repo / ".tools" / "bin" / f"oasdiff-{versions.read(repo / 'versions.env')['OASDIFF_VERSION']}"


def packages(repo: Path) -> Path:
    """The folder that holds `node_modules`."""
    return gobuild.place("contract-tools", "npm", *((repo / FOLDER / name).read_text() for name in MANIFEST))


def missing(repo: Path) -> list[preflight.Missing]:
    """What this machine lacks to lint and compare contracts, or to fetch the tools for it."""
    built = oasdiff(repo).exists() or gobuild.intact(_cached(versions.read(repo / "versions.env")))
    node = preflight.Missing("Node ≥ 20 with npm (linters of the contracts)", "apt-get install nodejs npm")
    checks = [node if preflight.node() else None, None if built else preflight.go()]
    return [one for one in checks if one is not None]


def install(repo: Path, logs: Path) -> None:
    """Raises StepFailed."""
    _install_packages(packages(repo), repo / FOLDER, logs)
    if not oasdiff(repo).exists():
        pins = versions.read(repo / "versions.env")
        if not gobuild.intact(_cached(pins)):
            _build(pins, _cached(pins), logs)
        oasdiff(repo).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(_cached(pins), oasdiff(repo))


def _install_packages(place: Path, manifest: Path, logs: Path) -> None:
    """By the lock, which holds every package's SHA-512; no script of a package is run. The folder appears whole."""
    if place.exists():
        return
    fresh = place.with_name(f"{place.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    for name in MANIFEST:
        shutil.copyfile(manifest / name, fresh / name)
    progress.run("linters of the contracts from npm", ["npm", "ci", "--silent"], log=logs / "contracts.log", cwd=fresh)
    fresh.rename(place)


def _cached(pins: Mapping[str, str]) -> Path:
    return gobuild.place("oasdiff", pins["OASDIFF_VERSION"], pins["OASDIFF_MODULE_SUM"])


def _build(pins: Mapping[str, str], store: Path, logs: Path) -> None:
    version = pins["OASDIFF_VERSION"]
    source = gobuild.source(pins["OASDIFF_MODULE"], version, pins["OASDIFF_MODULE_SUM"], logs)
    argv = ["go", "build", "-C", str(source), "-trimpath", "-ldflags", "-s -w"]
    gobuild.build(f"oasdiff {version}", argv, ".", store, logs)


def main() -> int:
    """`python -m stack.setup.contract_tools`: before `make check`."""
    signals.interrupt()
    repo = versions.repository()
    return progress.exit_code(lambda: install(repo, repo / ".tools" / "logs"))


if __name__ == "__main__":
    sys.exit(main())
