"""Services in another language in the place of Python's: SEAT_NOTIFICATION=go starts `seats/notification-go` with the same
app-id, ports, settings, secrets and tables. Migrations stay with Python's service.

The program is built once for each state of its source, into .tools/seats.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError
from stack.layout import DATABASES

PYTHON = "python"
SERVICES = (*DATABASES, "gateway")
SEATS = {("notification", "go"): Path("seats/notification-go")}
"""By app-id and language: the folder of the Go module. Apps that other teams add beside ours are no replacements."""
SOURCES = ("*.go", "*.toml", "go.mod", "go.sum")
VARIABLE = "SEAT_"


@dataclass(frozen=True)
class Replacement:
    """One service in another language. `source` is absolute, `program` where its binary is, or will be."""

    app: str
    language: str
    source: Path
    program: Path

    def build(self, log: Path) -> None:
        """Build the program unless it is there; two at the same time make it once. Raises StackError."""
        self.program.parent.mkdir(parents=True, exist_ok=True)
        with (self.program.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.program.exists():
                self._build(log)

    def _build(self, log: Path) -> None:
        fresh = self.program.with_suffix(".new")
        argv = ["go", "build", "-C", str(self.source), "-trimpath", "-ldflags", "-s -w", "-o", str(fresh), "."]
        env = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", **os.environ, "GOTOOLCHAIN": "auto"}
        try:
            with log.open("w") as sink:
                done = subprocess.run(argv, env=env, stdout=sink, stderr=subprocess.STDOUT, check=False)  # noqa: S603 - our own source
        except FileNotFoundError:
            raise StackError(
                f"{self.language} is not installed: {self.app} cannot be built (apt install golang-go)"
            ) from None
        if done.returncode:
            tail = "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-15:])
            raise StackError(f"{self.app} cannot be built from {self.source}; the end of {log}:\n{tail}")
        fresh.replace(self.program)


def chosen(repo: Path, env: Mapping[str, str]) -> list[Replacement]:
    """The seats that SEAT_<SERVICE> names in `env`. Raises StackError for one that there is not."""
    found = []
    for name, language in sorted(env.items()):
        service = name.removeprefix(VARIABLE).lower().replace("_", "-")
        if not name.startswith(VARIABLE) or service not in SERVICES or language in {"", PYTHON}:
            continue
        if (service, language) not in SEATS:
            known = ", ".join(f"{VARIABLE}{one.upper()}={other}" for one, other in SEATS)
            raise StackError(f"{name}={language}: that service is not there in that language; there are {known}")
        source = repo / SEATS[service, language]
        found.append(Replacement(service, language, source, _program(repo, service, source)))
    return found


def told(env: Mapping[str, str]) -> dict[str, str]:
    """What a second stack has to be told to have the same seats."""
    return {name: value for name, value in env.items() if name.startswith(VARIABLE)}


def language_of(command: list[str]) -> str:
    """The language of a service by its command in the rendered dapr.yaml."""
    built = any(Path(word).parts[-3:-1] == (".tools", "seats") for word in command)
    return "go" if built else PYTHON


def _program(repo: Path, service: str, source: Path) -> Path:
    whole = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode())
    files = {file for pattern in SOURCES for file in source.rglob(pattern) if not file.name.endswith("_test.go")}
    for file in sorted(files):
        whole.update(str(file.relative_to(source)).encode() + file.read_bytes())
    return repo / ".tools" / "seats" / f"{service}-{whole.hexdigest()[:16]}"
