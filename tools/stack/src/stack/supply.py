"""What is shipped, for those who have to say so: `make sbom` writes a bill of materials (CycloneDX) of each image and the
licences of its libraries, `make audit` asks the package index for known vulnerabilities.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from stack.layout import DATABASES, REPO
from stack.setup import progress

IMAGES = ("gateway", *DATABASES, "setup")
"""Those whose libraries are shipped, by the name of their lock."""
PLACE = Path("build") / "sbom"


def libraries(lock: Path) -> list[str]:
    """Names of all that a lock pins, as far as it is for a machine like this one."""
    pinned = re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE)
    here = {re.sub(r"[-_.]+", "-", one.name).lower() for one in metadata.distributions()}
    return [name for name in pinned if re.sub(r"[-_.]+", "-", name).lower() in here]


def licence(library: str) -> str:
    """As its author states it: an SPDX expression, else the classifiers, else the field's first line."""
    told = metadata.metadata(library)
    if "License-Expression" in told:
        return told["License-Expression"]
    classified = [line for line in told.get_all("Classifier") or () if line.startswith("License :: ")]
    names = [line.rpartition(" :: ")[2] for line in classified]
    return ", ".join(names) or (told["License"].partition("\n")[0] if "License" in told else "")


def bill(repo: Path) -> None:
    """One CycloneDX document for each image, with the hashes of its lock, and licences.md for all."""
    place = repo / PLACE
    place.mkdir(parents=True, exist_ok=True)
    rows = set()
    for image in IMAGES:
        lock = repo / "requirements" / f"{image}.lock"
        target = place / f"{image}.cdx.json"
        words = ["cyclonedx-py", "requirements", str(lock), "--output-reproducible", "--output-file", str(target)]
        done = _run(repo, words)
        if done.returncode:
            raise progress.StepFailed(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        rows |= {(name, metadata.version(name), licence(name)) for name in libraries(lock)}
    table = "".join(f"| {name} | {version} | {found} |\n" for name, version, found in sorted(rows))
    (place / "licences.md").write_text(f"| library | version | licence |\n|---|---|---|\n{table}")
    sys.stdout.write(f"{len(IMAGES)} bills of materials and the licences of {len(rows)} libraries in {PLACE}\n")


def audit(repo: Path) -> int:
    """The exit code: 1 with a vulnerability that is known, 3 when there was something that could not be asked for."""
    found, unanswered = 0, 0
    for image in IMAGES:
        words = ["pip-audit", "--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
        done = _run(repo, [*words, "--requirement", str(repo / "requirements" / f"{image}.lock")])
        try:
            libraries = json.loads(done.stdout)["dependencies"]
        except json.JSONDecodeError:
            sys.stdout.write(
                f"✗ {image}: no index of vulnerabilities is reachable, nothing was audited\n{done.stderr[-500:]}\n"
            )
            return 3
        skipped = [one["name"] for one in libraries if "skip_reason" in one]
        unanswered += len(skipped)
        sys.stdout.write(f"{image}: {len(libraries) - len(skipped)} of {len(libraries)} libraries audited\n")
        for one in libraries:
            for known in one.get("vulns", ()):
                found += 1
                fixed = ", ".join(known["fix_versions"]) or "no version yet"
                sys.stdout.write(f"  ✗ {one['name']} {one['version']}: {known['id']}, fixed in {fixed}\n")
    if unanswered:
        sys.stdout.write(f"✗ {unanswered} times the index did not know a library: those were not audited\n")
    return 1 if found else 3 if unanswered else 0


def _run(repo: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """A tool of requirements/supply.lock, in an environment of its own."""
    uv = repo / ".tools" / "uv" / "bin" / "uv"
    lock = repo / "requirements" / "supply.lock"
    argv = [str(uv), "run", "--no-project", "--isolated", "--quiet", "--with-requirements", str(lock)]
    return subprocess.run(  # noqa: S603 - pinned tools
        [*argv, "--", *words], cwd=repo, env=os.environ, capture_output=True, text=True, check=False
    )


def main(words: list[str]) -> int:
    try:
        if words == ["audit"]:
            return audit(REPO)
        bill(REPO)
    except progress.StepFailed as failure:
        progress.say(f"  ✗ {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
