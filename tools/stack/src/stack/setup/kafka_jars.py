"""Kafka's jars, resolved by Maven from the pinned pom into .tools/kafka."""

from __future__ import annotations

import shutil
from pathlib import Path

from stack.setup import checksums, mirrors, progress, versions


def wanted(repo: Path) -> str:
    return versions.read(repo / "versions.env")["KAFKA_VERSION"]


def present(repo: Path) -> bool:
    stamp = repo / ".tools" / "kafka" / "version"
    return stamp.exists() and stamp.read_text() == wanted(repo)


def install(repo: Path, logs: Path) -> None:
    if present(repo):
        return
    target = repo / ".tools" / "kafka"
    shutil.rmtree(target, ignore_errors=True)
    version = wanted(repo)
    pom = repo / "tools" / "stack" / "kafka" / "pom.xml"
    argv: list[str | Path] = [
        "mvn", "-q", "-B", *mirrors.maven_arguments(), "-f", pom, "dependency:copy-dependencies",
        f"-Dkafka.version={version}", "-DincludeScope=runtime", f"-DoutputDirectory={target / 'libs'}",
    ]  # fmt: skip
    progress.run(f"Kafka {version}'s jars", argv, log=logs / "kafka.log")
    if not list((target / "libs").glob(f"kafka_*-{version}.jar")):
        raise progress.StepFailed(f"Maven left no Kafka {version} in {target}; its log is {logs / 'kafka.log'}")
    checksums.require(target / "libs", pom.with_name("SHA256SUMS"))
    (target / "version").write_text(version)
