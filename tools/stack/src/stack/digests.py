"""`make digests`: images of others are named by their digest as well as their tag, as a registry tells it today.

A tag can be moved to another image, a digest cannot. It asks by docker buildx; where none tells, nothing is changed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.layout import REPO
from stack.setup import progress, versions

FILES = ("docker-compose.yml", "deploy/docker/Dockerfile")
NAMED = re.compile(
    r"(?P<lead>image: |ARG \w+_IMAGE=|FROM )(?P<image>[a-z0-9./-]+:[\w.${}-]+)(?P<digest>@sha256:[0-9a-f]{64})?"
)


def named(text: str, pins: Mapping[str, str]) -> set[str]:
    """The images of others that a file names, versions filled in."""
    return {image for one in NAMED.finditer(text) if not (image := _filled(one["image"], pins)).startswith("minsu/")}


def pinned(text: str, digests: Mapping[str, str], pins: Mapping[str, str]) -> str:
    """The file with each image's digest behind its tag, in place of another."""

    def write(one: re.Match[str]) -> str:
        digest = digests.get(_filled(one["image"], pins))
        return f"{one['lead']}{one['image']}@{digest}" if digest else one[0]

    return NAMED.sub(write, text)


def _filled(image: str, pins: Mapping[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda name: pins.get(name[1], name[0]), image)


def ask(image: str) -> str:
    """Raises StepFailed when no registry tells."""
    docker = shutil.which("docker")
    if docker is None:
        raise progress.StepFailed("make digests asks registries by docker buildx, and there is no docker here")
    argv = [docker, "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - docker itself
    if done.returncode:
        raise progress.StepFailed(f"no registry tells the digest of {image}:\n{done.stderr.strip()}")
    return done.stdout.strip()


def main() -> int:
    pins = versions.read(REPO / "versions.env")
    files = [REPO / name for name in FILES]
    try:
        digests = {
            image: ask(image) for image in sorted(set().union(*(named(each.read_text(), pins) for each in files)))
        }
    except progress.StepFailed as failure:
        progress.say(f"  ✗ {failure}")
        return 1
    for each in files:
        Path(each).write_text(pinned(each.read_text(), digests, pins))
    progress.say(f"  ✓ {len(digests)} images by digest: {', '.join(digests)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
