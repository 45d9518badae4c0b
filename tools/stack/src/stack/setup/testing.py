"""`make setup-tests`: what `make test` needs and `make run` does not, without root, once."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

from stack import signals
from stack.setup import axe, browser, contract_tools, java_sdk, preflight, progress, recorder, versions


def missing(repo: Path) -> list[preflight.Missing]:
    """What this machine lacks to fetch the rest itself."""
    fetch = browser.lacks_chromium(repo)
    if fetch and not browser.packaged_for_this_machine():
        return [preflight.Missing("chromium (browser tests)", "apt-get install chromium fonts-noto-cjk")]
    checks = [preflight.node()] if fetch or browser.lacks_font(repo) or not axe.present(repo) else []
    if not java_sdk.present(repo):
        checks += [preflight.java(), preflight.maven()]
    found = [*(one for one in checks if one is not None), *recorder.missing(repo)]
    named = {one.install for one in found}
    return [*found, *(one for one in contract_tools.missing(repo) if one.install not in named)]


def main() -> int:
    signals.interrupt()
    repo = versions.repository()
    logs = repo / ".tools" / "logs"
    with (repo / ".tools" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            browser.install(repo, logs)
            axe.install(repo, logs)
            java_sdk.install(repo, logs)
            recorder.install(repo, logs)
            contract_tools.install(repo, logs)
        except progress.StepFailed as failure:
            progress.say(f"  ✗ {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
