"""The app under test: started, stopped, killed and doubled by the kit, or started by its user."""

import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance import expecting
from conformance.door import Door
from conformance.testbed import Testbed
from stack import children, replacements
from stack.errors import StackError
from stack.layout import REPO
from stack.replacements import Replacement

READY_WITHIN = 60.0
STOPS_WITHIN = 40.0
"""Seconds from SIGTERM to the end of the app: its sidecar's ten, its own drain and its requests in flight."""
BROKEN = REPO / "conformance" / "broken"


@dataclass(frozen=True)
class Seat:
    """How the app is started, after what is built of it. `argv` None: its user has started it."""

    name: str
    argv: tuple[str, ...] | None
    env: Mapping[str, str] = field(default_factory=dict)
    built: Replacement | None = None

    @classmethod
    def python(cls, role: str, broken: str = "") -> "Seat":
        """The repository's own service; `broken` names a defect of conformance/broken."""
        argv = (str(REPO / ".venv" / "bin" / "python"), "-m", role)
        if not broken:
            return cls("python", argv)
        return cls(f"python, {broken}", argv, {"PYTHONPATH": str(BROKEN), "MINSU_BROKEN": broken})

    @classmethod
    def command(cls, line: str) -> "Seat":
        return cls(line, tuple(shlex.split(line)))


def own(role: str) -> dict[str, Seat]:
    """The repository's own implementations, by the name that SEAT= has for them."""
    languages = [language for app, language in replacements.SEATS if app == role]
    variables = [{f"{replacements.VARIABLE}{role.upper()}": language} for language in languages]
    built = [each for variable in variables for each in replacements.chosen(REPO, variable)]
    others = {each.language: Seat(each.language, (str(each.program),), built=each) for each in built}
    return {"python": Seat.python(role)} | others


@dataclass
class Replica:
    """One process of the app and its sidecar."""

    name: str
    door: Door
    process: children.Child | None = None


class AppUnderTest:
    """`first` always runs; `second` when a case asked for it."""

    def __init__(self, testbed: Testbed, seat: Seat) -> None:
        self._testbed, self._seat = testbed, seat
        self.first = Replica(testbed.role, self._door(testbed.role))
        self._second: Replica | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the kit may start and end it."""
        return self._seat.argv is not None

    @property
    def name(self) -> str:
        return self._seat.name

    def log(self, replica: str) -> Path:
        return self._testbed.where.run / "logs" / f"{replica}.log"

    def start(self, *, wait: float = READY_WITHIN) -> None:
        """The first replica and its sidecar, until it is ready. Raises StackError."""
        if self._seat.built is not None:
            self._seat.built.build(self._testbed.where.run / "logs" / f"{self._testbed.role}-build.log")
        self._begin(self.first, wait)

    def second(self) -> Replica:
        """Another replica of the same app, ready."""
        name = f"{self._testbed.role}-2"
        self._second = self._second or Replica(name, self._door(name))
        self._begin(self._second, READY_WITHIN)
        return self._second

    def restore(self) -> None:
        """The first replica ready, no other."""
        if self._second is not None:
            self.end(self._second)
        self._begin(self.first, READY_WITHIN)

    def kill(self, replica: Replica) -> None:
        """SIGKILL, the sidecar lives on."""
        if replica.process is None:
            raise StackError(f"{replica.name} is not the kit's to end")
        children.end(replica.process, signal.SIGKILL)
        replica.process = None

    def terminate(self, replica: Replica) -> int:
        """SIGTERM to the app and its sidecar, as an orchestrator stops a replica; the app's exit code, negative for the
        signal that had to end it."""
        if replica.process is None:
            raise StackError(f"{replica.name} is not the kit's to end")
        replica.process.send_signal(signal.SIGTERM)
        self._testbed.stop_part(f"{replica.name}-daprd")
        process, replica.process = replica.process, None
        return children.end(process, 0, within=STOPS_WITHIN)

    def end(self, replica: Replica) -> None:
        if replica.process is not None:
            process, replica.process = replica.process, None
            children.end(process, signal.SIGKILL)
            self._testbed.stop_part(f"{replica.name}-daprd")

    def stop(self) -> None:
        for replica in filter(None, (self._second, self.first)):
            self.end(replica)
        self._testbed.stop_part(f"{self.first.name}-daprd")

    def _begin(self, replica: Replica, wait: float) -> None:
        if self._seat.argv is not None and (replica.process is None or replica.process.poll() is not None):
            env = self._testbed.settings(replica.name) | dict(self._seat.env)
            log = self.log(replica.name)
            log.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as sink:
                replica.process = children.start(self._seat.argv, env=env, cwd=REPO, stdout=sink, stderr=sink)
        self._testbed.start_sidecar(replica.name)
        self._until(replica, "/livez", wait)
        self._testbed.await_sidecar(replica.name)
        self._until(replica, "/readyz", wait)

    def _until(self, replica: Replica, path: str, wait: float) -> None:
        def status() -> int:
            if replica.process is not None and (code := replica.process.poll()) is not None:
                raise StackError(f"{replica.name} ended with exit code {code}:\n{self._tail(replica.name)}")
            return replica.door.status(path)

        expecting.eventually(status, lambda found: found == 200, f"{replica.door.url}{path}", within=wait)

    def _tail(self, replica: str) -> str:
        lines: Sequence[str] = self.log(replica).read_text(errors="replace").splitlines()[-15:]
        return "\n".join(f"    {line}" for line in lines)

    def _door(self, replica: str) -> Door:
        vault, role = self._testbed.environment.vault, self._testbed.role
        return Door(
            self._testbed.where.url(replica),
            app_token=vault.token(f"{role}-app-token"),
            delivery_token=vault.token(f"{role}-delivery-token"),
        )
