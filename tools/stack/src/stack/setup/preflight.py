"""Names every missing tool at once, each with the line that installs it, before anything starts."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stack.setup import versions

GIGABYTE = 1 << 30
DISK_NEEDED = 8 * GIGABYTE
GO_THAT_FETCHES_TOOLCHAINS = (1, 21)


@dataclass(frozen=True)
class Missing:
    what: str
    install: str


def output_of(*argv: str) -> str:
    """What a tool says, or nothing when it is not there or does not run."""
    if shutil.which(argv[0]) is None:
        return ""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - version flags
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""


def python() -> Missing | None:
    wanted = versions.parse(versions.read()["PYTHON_MIN"])
    if not versions.at_least(sys.version_info[:2], wanted):
        found = ".".join(map(str, sys.version_info[:3]))
        return Missing(
            f"Python ≥ {'.'.join(map(str, wanted))} (found {found})",
            "apt-get install python3.11 python3.11-venv, then: make PYTHON=python3.11 setup",
        )
    if importlib.util.find_spec("ensurepip") is None:
        return Missing("Python's venv module", "apt-get install python3-venv")
    return None


def go(found: str | None = None) -> Missing | None:
    found = output_of("go", "version") if found is None else found
    minimum = versions.read()["GO_MIN"]
    version = versions.parse(found.partition("go version ")[2])
    if not version:
        return Missing(
            f"Go ≥ {minimum} (or ≥ 1.21, which fetches it)", "apt-get install golang-go, or https://go.dev/doc/install"
        )
    if not versions.at_least(version, GO_THAT_FETCHES_TOOLCHAINS):
        return Missing(
            f"Go ≥ {minimum} (found {'.'.join(map(str, version))}, too old to fetch a newer toolchain)",
            "apt-get install -t bookworm-backports golang-go, or https://go.dev/doc/install",
        )
    return None


def java(found: str | None = None) -> Missing | None:
    found = output_of("java", "-version") if found is None else found
    minimum = int(versions.read()["JAVA_MIN"])
    version = versions.parse(found.partition("version")[2])
    if not version or version[0] < minimum:
        have = f" (found {version[0]})" if version else ""
        return Missing(f"Java ≥ {minimum}{have}", "apt-get install openjdk-17-jre-headless")
    return None


def maven() -> Missing | None:
    return None if shutil.which("mvn") else Missing("Maven", "apt-get install maven")


def git() -> Missing | None:
    return None if shutil.which("git") else Missing("git", "apt-get install git")


def disk(folder: Path, free: int | None = None) -> Missing | None:
    free = shutil.disk_usage(folder).free if free is None else free
    if free >= DISK_NEEDED:
        return None
    return Missing(
        f"8 GB of free disk in {folder} (found {free / GIGABYTE:.1f}; most of it is Go's caches)",
        "free some space; after the set-up: go clean -cache -modcache",
    )


def node() -> Missing | None:
    """It fetches and unpacks a browser and a font for the tests, where the machine has none."""
    if shutil.which("node") and shutil.which("npm"):
        return None
    return Missing("Node with npm (or chromium and fonts-noto-cjk)", "apt-get install nodejs npm")


def etcd() -> Missing | None:
    return None if etcd_program() else Missing("etcd (the API server's tests)", "apt-get install etcd-server")


def etcd_program() -> str | None:
    """Debian's etcd-server is enough; its service is never started by us."""
    return shutil.which("etcd", path=os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin")


def prometheus() -> Missing | None:
    """The server and promtool, which are in one package; the system service that it brings is never used by us."""
    if shutil.which("prometheus") and shutil.which("promtool"):
        return None
    return Missing("Prometheus with promtool", "apt-get install --no-install-recommends prometheus")


def report(missing: list[Missing]) -> str:
    width = max(len(one.what) for one in missing)
    lines = [f"  {one.what:<{width}}  →  {one.install}" for one in missing]
    return "\n".join(["missing on this machine:", *lines])
