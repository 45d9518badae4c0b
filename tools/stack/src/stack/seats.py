"""Apps that other teams add: `SEAT_<APP>=<language>` takes seats/<app>-<language>, whose own files say all there is to it.

A seat brings a run file (dapr.yaml), Dapr resources, an access policy, an AsyncAPI document and `build.sh`. For an app-id
of dapr/dapr.yaml the variable chooses who runs that service; that is not decided here.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import daprfile
from stack.errors import StackError

VARIABLE = "SEAT_"
TAIL = 15


@dataclass(frozen=True)
class Seat:
    """One app of another team. `folder` is seats/<app>-<language>."""

    folder: Path

    @property
    def app(self) -> str:
        return self.folder.name.rpartition("-")[0]

    @property
    def dapr_file(self) -> Path:
        return self.folder / "dapr.yaml"

    @property
    def access(self) -> Path:
        """The folder of `<app>.yaml`, the policy that its sidecar has with identities."""
        return self.folder / "access"

    @property
    def contract(self) -> Path:
        return self.folder / "asyncapi.yaml"

    def require(self) -> None:
        """Raises StackError with the first thing that the folder lacks."""
        for needed in ("dapr.yaml", "asyncapi.yaml", "resources", f"access/{self.app}.yaml", "build.sh"):
            if not (self.folder / needed).exists():
                raise StackError(f"there is no {self.folder / needed}")
        build = self.folder / "build.sh"
        if not os.access(build, os.X_OK):
            raise StackError(f"{build} cannot be run: chmod +x it")
        found = [entry.get("appID") for entry in daprfile.load(self.dapr_file)["apps"]]
        if found != [self.app]:
            raise StackError(f"{self.dapr_file}: the one appID is {self.app}, as its folder says, not {found}")

    def build(self, log: Path) -> None:
        """Run its build.sh, which does nothing when nothing changed. Raises StackError with the end of `log`."""
        with log.open("w") as sink:
            done = subprocess.run(  # noqa: S603 - a script of this repository
                [str(self.folder / "build.sh")], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
        if done.returncode:
            tail = "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-TAIL:])
            raise StackError(f"{self.app} could not be built (exit {done.returncode}); the end of {log}:\n{tail}")


def joined(env: Mapping[str, str], repo: Path) -> tuple[Seat, ...]:
    """The seats that the environment asks for beside our own services. Raises StackError when one is not there."""
    services = {entry["appID"] for entry in daprfile.load(repo / "dapr" / "dapr.yaml")["apps"]}
    found = []
    for variable, language in sorted(env.items()):
        app = variable.removeprefix(VARIABLE).lower().replace("_", "-")
        if not variable.startswith(VARIABLE) or language in {"", "0"} or app in services:
            continue
        seat = Seat(repo / "seats" / f"{app}-{language}")
        try:
            seat.require()
        except StackError as why:
            raise StackError(f"{variable}={language}: {why}") from None
        found.append(seat)
    return tuple(found)
