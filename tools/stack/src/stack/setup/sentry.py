"""Dapr's sentry, from the module that daprd comes from: the authority that gives sidecars their identities."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stack.setup import gobuild


def install(pins: Mapping[str, str], logs: Path) -> Path:
    version, module = pins["DAPR_VERSION"], pins["DAPR_MODULE"]
    store = gobuild.place("sentry", version, pins["DAPR_MODULE_SUM"], pins["DAPR_BUILD_TAGS"])
    if not gobuild.intact(store):
        source = gobuild.source(module, version, pins["DAPR_MODULE_SUM"], logs)
        flags = f"-s -w -X {module}/pkg/buildinfo.version={version}"
        argv = ["go", "build", "-C", str(source), "-tags", pins["DAPR_BUILD_TAGS"], "-trimpath", "-ldflags", flags]
        gobuild.build(f"sentry {version}", argv, "./cmd/sentry", store, logs)
    return store
