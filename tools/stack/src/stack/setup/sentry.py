"""Dapr's sentry, from the module that daprd comes from: the authority that gives sidecars their identities."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from stack import signals
from stack.setup import gobuild, preflight, progress, versions


def cached(pins: Mapping[str, str]) -> Path:
    return gobuild.place("sentry", pins["DAPR_VERSION"], pins["DAPR_MODULE_SUM"])


def missing(repo: Path) -> list[preflight.Missing]:
    """What building it lacks on this machine; nothing when it is built."""
    built = gobuild.intact(cached(versions.read(repo / "versions.env")))
    checks = [] if built else [preflight.go(), preflight.disk(repo)]
    return [one for one in checks if one is not None]


def install(pins: Mapping[str, str], logs: Path) -> Path:
    version, module = pins["DAPR_VERSION"], pins["DAPR_MODULE"]
    store = cached(pins)
    if not gobuild.intact(store):
        source = gobuild.source(module, version, pins["DAPR_MODULE_SUM"], logs)
        flags = f"-s -w -X {module}/pkg/buildinfo.version={version}"
        argv = ["go", "build", "-C", str(source), "-trimpath", "-ldflags", flags]
        gobuild.build(f"sentry {version}", argv, "./cmd/sentry", store, logs)
    return store


def main() -> int:
    """`python -m stack.setup.sentry`: before the parts that need it are started."""
    signals.interrupt()
    repo = versions.repository()
    return progress.exit_code(lambda: install(versions.read(repo / "versions.env"), repo / ".tools" / "logs"))


if __name__ == "__main__":
    sys.exit(main())
