"""`make setup`: what is missing is named first; then each part is fetched or built, once."""

from __future__ import annotations

import fcntl
import os
import sys
import time

from stack import signals
from stack.setup import daprd, first, kafka_classes, kafka_jars, mirrors, preflight, progress, python_env, versions


def main() -> int:
    signals.interrupt()
    repo = versions.repository()
    try:
        os.environ.update(mirrors.environment(repo, os.environ.get("MIRROR", "")))
    except progress.StepFailed as failure:
        progress.say(f"  ✗ {failure}")
        return 1
    lacking = first.for_setup(repo)
    if lacking:
        progress.say(preflight.report(lacking))
        return 1
    logs = repo / ".tools" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with (repo / ".tools" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            python_env.install(repo, logs)
            kafka_jars.install(repo, logs)
            kafka_classes.install(repo, logs)
            daprd.install(repo, logs)
        except progress.StepFailed as failure:
            progress.say(f"  ✗ {failure}")
            return 1
    progress.say(f"set up in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
