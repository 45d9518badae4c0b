"""wechatpay-java as an independent check of the sandbox; one process per key mode. `make setup-tests` installs it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stack import children, leftovers
from stack.setup import java_sdk

_SOURCE = Path(__file__).parent / "java" / "Oracle.java"
_REPO = Path(__file__).resolve().parents[3]


def _compiled(folder: Path) -> str:
    """The class path of Oracle, compiled into `folder` on whatever Java there is."""
    if not java_sdk.present(_REPO):
        pytest.fail("the official Java SDK is not there as a judge: make setup-tests brings it")
    libraries = f"{java_sdk.home(_REPO) / 'libs'}/*"
    main = "org.eclipse.jdt.internal.compiler.batch.Main"
    argv = ["java", "-cp", str(java_sdk.compiler(_REPO)), main, "-17", "-nowarn", "-encoding", "UTF-8"]
    argv += [
        "-cp",
        ":".join(map(str, (java_sdk.home(_REPO) / "libs").glob("*.jar"))),
        "-d",
        str(folder),
        str(_SOURCE),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return f"{folder}:{libraries}"


class Judge:
    """One running Oracle.java."""

    def __init__(self, process: children.Child) -> None:
        self._process = process

    def __call__(self, do: str, **asked: Any) -> dict[str, Any]:
        """The result of one call or callback: {"ok"}, {"refused"} or {"unbelieved"}."""
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
    """Start the SDK in a key mode, configured for a sandbox."""
    with tempfile.TemporaryDirectory(prefix="oracle-", dir=leftovers.session_folder()) as classes:
        argv = ["java", "-cp", _compiled(Path(classes)), "Oracle", url, str(folder), mode]
        with children.child(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            yield Judge(process)
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(20) == 0
