"""`make up MTLS=1`: a real sentry gives every sidecar an identity, and dapr/access says who may call whom."""

from __future__ import annotations

from pathlib import Path

from stack import authority
from stack.environment import inherited
from stack.errors import StackError
from stack.layout import Layout
from stack.processes import Program
from stack.setup import preflight, progress, sentry, versions
from stack.vault import write_private


def binary(layout: Layout) -> Path:
    """Built from daprd's own module the first time it is asked for."""
    if lacking := sentry.missing(layout.repo):
        raise StackError(preflight.report(lacking))
    try:
        return sentry.install(versions.read(layout.repo / "versions.env"), layout.tools / "logs")
    except progress.StepFailed as failure:
        raise StackError(str(failure)) from None


def folder(layout: Layout) -> Path:
    return layout.run / "sentry"


def program(layout: Layout) -> Program:
    home = folder(layout)
    configuration = home / "system.yaml"
    write_private(configuration, authority.configuration(str(home / authority.KEY_SET)))
    argv = [
        str(binary(layout)), "--mode", "standalone", "--config", str(configuration),
        "--issuer-credentials", str(home), "--trust-domain", authority.TRUST_DOMAIN,
        "--listen-address", "127.0.0.1", "--port", str(layout.port("sentry")),
        "--healthz-listen-address", "127.0.0.1", "--healthz-port", str(layout.port("sentry-health")),
        "--metrics-listen-address", "127.0.0.1", "--metrics-port", str(layout.port("sentry-metrics")),
    ]  # fmt: skip
    return Program("sentry", argv, inherited(), home)
