"""kube-apiserver and kubectl, built once from the pinned modules into the user's cache; nothing of them is committed.

`go install` refuses k8s.io/kubernetes because of its `replace` lines; a module of our own repeats them with the published
versions of the same libraries.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack import signals
from stack.setup import gobuild, preflight, progress, versions

MODULE = "k8s.io/kubernetes"
PROGRAMS = ("kube-apiserver", "kubectl")
STAGING = re.compile(r"^\s*(?:replace\s+)?(k8s\.io/\S+)\s+=>\s+\./staging/", re.MULTILINE)
GO_LINE = re.compile(r"^go (\S+)$", re.MULTILINE)


def cached(pins: Mapping[str, str], program: str) -> Path:
    return gobuild.place(program, pins["KUBERNETES_VERSION"], pins["KUBERNETES_MODULE_SUM"])


def install(pins: Mapping[str, str], logs: Path, programs: Sequence[str] = PROGRAMS) -> dict[str, Path]:
    """Each program's place, after building what the cache does not hold whole."""
    found = {program: cached(pins, program) for program in programs}
    missing = [program for program, store in found.items() if not gobuild.intact(store)]
    if missing:
        source = gobuild.source(MODULE, pins["KUBERNETES_VERSION"], pins["KUBERNETES_MODULE_SUM"], logs)
        with tempfile.TemporaryDirectory(prefix="minsu-kubernetes-") as folder:
            _write_module(Path(folder), source, pins)
            for program in missing:
                _build(Path(folder), program, pins, found[program], logs)
    return found


def _write_module(folder: Path, source: Path, pins: Mapping[str, str]) -> None:
    theirs = (source / "go.mod").read_text()
    go = GO_LINE.search(theirs)
    if go is None:
        raise progress.StepFailed(f"{source / 'go.mod'} names no version of Go")
    lines = "".join(f"\t{name} => {name} v{pins['KUBERNETES_STAGING_VERSION']}\n" for name in STAGING.findall(theirs))
    (folder / "go.mod").write_text(
        f"module minsu.test/kubernetes\n\ngo {go.group(1)}\n\n"
        f"require {MODULE} v{pins['KUBERNETES_VERSION']}\n\nreplace (\n{lines})\n"
    )
    shutil.copyfile(source / "go.sum", folder / "go.sum")
    # An import keeps the requirement: without one, -mod=mod would take it out.
    (folder / "programs.go").write_text(f'//go:build programs\n\npackage programs\n\nimport _ "{MODULE}/cmd/kubectl"\n')


def _build(folder: Path, program: str, pins: Mapping[str, str], store: Path, logs: Path) -> None:
    version = pins["KUBERNETES_VERSION"]
    major, minor, _ = version.split(".")
    about = "k8s.io/component-base/version"
    flags = f"-s -w -X {about}.gitVersion=v{version} -X {about}.gitMajor={major} -X {about}.gitMinor={minor}"
    argv = ["go", "build", "-C", str(folder), "-mod=mod", "-trimpath", "-ldflags", flags]
    gobuild.build(f"{program} {version}", argv, f"{MODULE}/cmd/{program}", store, logs)


def missing(repo: Path, programs: Sequence[str] = PROGRAMS) -> list[preflight.Missing]:
    """What building and running `programs` lacks on this machine: an API server keeps its state in etcd."""
    pins = versions.read(repo / "versions.env")
    checks = [preflight.etcd()] if "kube-apiserver" in programs else []
    if not all(gobuild.intact(cached(pins, program)) for program in programs):
        checks += [preflight.go(), preflight.disk(repo)]
    return [one for one in checks if one is not None]


def main(programs: Sequence[str]) -> int:
    """`python -m stack.setup.kubernetes [program …]`."""
    signals.interrupt()
    repo = versions.repository()
    return progress.exit_code(
        lambda: install(versions.read(repo / "versions.env"), repo / ".tools" / "logs", programs or PROGRAMS)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
