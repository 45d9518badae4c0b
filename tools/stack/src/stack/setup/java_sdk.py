"""The official WeChat Pay SDK for Java that the sandbox is tested with, and a compiler, in .tools/wechatpay-java."""

from __future__ import annotations

import shutil
from pathlib import Path

from stack.setup import checksums, progress, versions

POM = Path("apps") / "wechatsim" / "tests" / "java" / "pom.xml"


def home(repo: Path) -> Path:
    return repo / ".tools" / "wechatpay-java"


def compiler(repo: Path) -> Path:
    return home(repo) / "libs" / f"ecj-{versions.read(repo / 'versions.env')['ECJ_VERSION']}.jar"


def present(repo: Path) -> bool:
    """As the pom and versions.env want it."""
    stamp = home(repo) / "wanted"
    return stamp.exists() and stamp.read_text() == _wanted(repo)


def _wanted(repo: Path) -> str:
    return (repo / POM).read_text() + versions.read(repo / "versions.env")["ECJ_VERSION"]


def install(repo: Path, logs: Path) -> None:
    if present(repo):
        return
    shutil.rmtree(home(repo), ignore_errors=True)
    pins = versions.read(repo / "versions.env")
    argv: list[str | Path] = [
        "mvn", "-q", "-B", "-f", repo / POM, "dependency:copy-dependencies", f"-Decj.version={pins['ECJ_VERSION']}",
        "-DincludeScope=runtime", f"-DoutputDirectory={home(repo) / 'libs'}",
    ]  # fmt: skip
    progress.run("the Java SDK that the sandbox is tested with", argv, log=logs / "wechatpay-java.log")
    checksums.require(home(repo) / "libs", (repo / POM).with_name("SHA256SUMS"))
    (home(repo) / "wanted").write_text(_wanted(repo))
