"""`python -m stack.setup.first TARGET`: all that the machine lacks for a target of make, once, before any work begins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from stack.setup import (
    contract_tools,
    daprd,
    jaeger,
    kafka_jars,
    kubernetes,
    preflight,
    progress,
    sentry,
    testing,
    versions,
)


def for_setup(repo: Path) -> list[preflight.Missing]:
    """What every target needs."""
    checks = [preflight.python(), preflight.git(), preflight.java()]
    if not kafka_jars.present(repo):
        checks.append(preflight.maven())
    if daprd.needs_go(repo):
        checks += [preflight.go(), preflight.disk(repo)]
    return [one for one in checks if one is not None]


def for_tests(repo: Path) -> list[preflight.Missing]:
    """Of Prometheus promtool, which runs every alert."""
    missing = preflight.prometheus()
    return [*testing.missing(repo), *([missing] if missing else [])]


def for_observing(repo: Path) -> list[preflight.Missing]:
    """What Jaeger and Prometheus need: `make obs-test`, and everything with OBS=1."""
    prometheus = preflight.prometheus()
    return [*([prometheus] if prometheus else []), *jaeger.missing(repo)]


MORE: dict[str, Callable[[Path], list[preflight.Missing]]] = {
    "check": contract_tools.missing,
    "contracts-diff": contract_tools.missing,
    "setup-tests": testing.missing,
    "test": for_tests,
    "test-unit": testing.missing,
    "compose-test": lambda repo: kubernetes.missing(repo, ("kubectl",)),
    "k8s-test": kubernetes.missing,
    "mesh-test": sentry.missing,
    "obs-test": for_observing,
}
"""What a target needs besides: a target of make that needs another tool is named here."""


def main(target: str) -> int:
    repo = versions.repository()
    lacking = list(dict.fromkeys([*for_setup(repo), *MORE[target](repo)]))
    if lacking:
        progress.say(preflight.report(lacking))
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
