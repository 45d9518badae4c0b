"""wechatpay-java, run as a judge of the sandbox: its jars by Maven, once, into .tools; one process per key mode."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stack import children

_HERE = Path(__file__).parent / "java"
_LIBRARIES = Path(__file__).resolve().parents[3] / ".tools" / "wechatpay-java"
_JDK = "apt-get install openjdk-17-jdk-headless"
_MAVEN = "apt-get install maven"


def _need(program: str, line: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.fail(f"{program} is missing, and with it the official Java SDK as a judge: {line}")
    return found


def libraries() -> Path:
    """The SDK's jars, resolved when the pom has changed since."""
    pom = (_HERE / "pom.xml").read_text()
    stamp = _LIBRARIES / "pom.xml"
    if not stamp.exists() or stamp.read_text() != pom:
        shutil.rmtree(_LIBRARIES, ignore_errors=True)
        argv = [_need("mvn", _MAVEN), "-q", "-B", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies"]
        argv += ["-DincludeScope=runtime", f"-DoutputDirectory={_LIBRARIES / 'libs'}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            pytest.fail(f"Maven did not bring the Java SDK:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        stamp.write_text(pom)
    return _LIBRARIES / "libs"


class Judge:
    """One running Oracle.java."""

    def __init__(self, process: children.Child) -> None:
        self._process = process

    def __call__(self, do: str, **asked: Any) -> dict[str, Any]:
        """The verdict on one call or callback: {"ok"}, {"refused"} or {"unbelieved"}."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do} | asked).encode() + b"\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, f"Oracle.java ended with {self._process.wait(10)}"
        verdict: dict[str, Any] = json.loads(said)
        return verdict


@contextmanager
def judge(url: str, folder: Path, mode: str) -> Iterator[Judge]:
    """Start the SDK in a key mode against a sandbox."""
    _need("javac", _JDK)
    argv = [_need("java", _JDK), "-cp", str(libraries() / "*"), str(_HERE / "Oracle.java"), url, str(folder), mode]
    with children.child(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Judge(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
