"""Jaeger: one installed on the machine, with its pages, or one built from the pinned module, with the query API alone.

The pages are a program of their own, built from npm packages and put into Jaeger's releases; the Go module lacks them.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from stack.setup import gobuild, preflight, versions


def on_machine(version: str) -> Path | None:
    """An installed `jaeger` of this version or a later one."""
    found = shutil.which("jaeger")
    told = versions.parse(preflight.output_of("jaeger", "--version"))
    return Path(found) if found and told and versions.at_least(told, versions.parse(version)) else None


def has_pages(repo: Path) -> bool:
    """Whether what `install` returns can be looked at in a browser."""
    return on_machine(versions.read(repo / "versions.env")["JAEGER_VERSION"]) is not None


def cached(pins: Mapping[str, str]) -> Path:
    return gobuild.place("jaeger", pins["JAEGER_VERSION"], pins["JAEGER_MODULE_SUM"])


def missing(repo: Path) -> list[preflight.Missing]:
    """What building it lacks on this machine; nothing when it is built or installed."""
    pins = versions.read(repo / "versions.env")
    there = on_machine(pins["JAEGER_VERSION"]) or gobuild.intact(cached(pins))
    checks = [] if there else [preflight.go(), preflight.disk(repo)]
    return [one for one in checks if one is not None]


def install(repo: Path, logs: Path) -> Path:
    """Where the program is. Raises StepFailed."""
    pins = versions.read(repo / "versions.env")
    if found := on_machine(pins["JAEGER_VERSION"]):
        return found
    store = cached(pins)
    if not gobuild.intact(store):
        module, version = pins["JAEGER_MODULE"], pins["JAEGER_MODULE_VERSION"]
        source = gobuild.source(module, version, pins["JAEGER_MODULE_SUM"], logs)
        flags = f"-s -w -X {module}/internal/version.latestVersion=v{pins['JAEGER_VERSION']}"
        argv = ["go", "build", "-C", str(source), "-trimpath", "-ldflags", flags]
        gobuild.build(f"jaeger {pins['JAEGER_VERSION']}", argv, "./cmd/jaeger", store, logs)
    return store
