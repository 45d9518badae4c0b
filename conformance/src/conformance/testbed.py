"""What stands around the app under test, all of it real: Kafka, PostgreSQL, wechatsim, and a daprd for the app and for each
peer that the kit plays. Components, subscriptions and resiliency are the repository's own."""

import os
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from rich.console import Console

from conformance.standins import StandIn
from stack import daprfile, graph, layout, ports, replicas, system
from stack.environment import Environment, inherited
from stack.errors import StackError
from stack.parts import Part, all_parts, run_once
from stack.postgres import Postgres
from stack.processes import Processes
from stack.view import Progress

OFFSETS = range(2000, 17000, 100)
INFRASTRUCTURE = ("postgres", "kafka", "wechatsim")


@dataclass
class Testbed:
    """`told` is what the app is given beside what `make run` would give it. Peers' apps are the kit's `standins`."""

    __test__ = False

    role: str
    where: layout.Layout
    environment: Environment
    postgres: Postgres
    processes: Processes
    parts: Mapping[str, Part]
    standins: dict[str, StandIn] = field(default_factory=dict)

    @classmethod
    def plan(
        cls, role: str, folder: Path, *, told: Callable[[layout.Layout], Mapping[str, str]], app_port: int | None
    ) -> "Testbed":
        """Makes keys, passwords and settings in `folder`; nothing runs yet. `app_port`: where the app listens already."""
        env = {"MINSU_RUN_DIR": str(folder)}
        env |= {"REPLICAS": f"{role}=2"} if app_port is None else {f"PORT_{role.upper()}": str(app_port)}
        where = layout.plan(env | {"PORT_OFFSET": str(_offset(env))})
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)  # PostgreSQL's own user passes through
        for leftover in (folder / "state").glob("names.db*"):
            leftover.unlink()
        environment, postgres = system.prepare(where, dict(told(where)))
        parts = {part.name: part for part in all_parts(environment, postgres)}
        return cls(role, where, environment, postgres, Processes(folder), parts)

    def start(self, console: Console, peers: Mapping[str, StandIn]) -> None:
        """Infrastructure, the role's database, and the peers with their sidecars. Raises StackError."""
        self.standins.update(peers)
        for peer in peers.values():
            peer.start()
        mine = [self.parts[name] for name in (*INFRASTRUCTURE, *(f"{peer}-daprd" for peer in peers))]
        ports.require_free({part.name: part.ports for part in mine})
        progress = Progress(console)
        try:
            graph.run(self._steps(mine), progress)
        finally:
            progress.close()

    def _steps(self, parts: Iterable[Part]) -> Iterable[graph.Step]:
        for part in parts:
            needs = () if part.name in INFRASTRUCTURE else ("topics",)
            yield graph.Step(part.name, lambda give_up, part=part: part.bring_up(self.processes, give_up), needs)  # type: ignore[misc]  # mypy sees no type in a bound default
        yield graph.Step("topics", lambda _: self.environment.set_up_kafka(), ("kafka",))
        yield graph.Step("databases", lambda _: self.postgres.create_databases([self.role]), ("postgres",))
        log = self.where.run / "logs" / f"{self.role}-migrate.log"
        yield graph.Step(
            f"{self.role} migrate", lambda _: run_once(self.environment, self.role, "migrate", log), ("databases",)
        )

    def settings(self, replica: str) -> dict[str, str]:
        """The whole environment of the app's process, as the Dapr CLI and dapr/with-env would make it."""
        apps = dict(replicas.named(daprfile.apps(self.where.rendered_dapr_file), self.where))
        return inherited() | apps[replica].environment() | self.environment.service(self.role)

    def start_sidecar(self, replica: str) -> None:
        """Start it unless it runs. It waits for its app, and the app may wait for a secret from it."""
        part = self.parts[f"{replica}-daprd"]
        if not self.processes.alive(part.name):
            self.processes.start(part.program(), part.settings)

    def await_sidecar(self, replica: str) -> None:
        """Until it is ready. Raises StackError."""
        self.start_part(f"{replica}-daprd")

    def start_part(self, name: str) -> None:
        self.parts[name].bring_up(self.processes, Event())

    def stop_part(self, name: str) -> None:
        if record := self.processes.alive(name):
            self.processes.stop([record])

    def stop(self) -> None:
        for peer in self.standins.values():
            peer.stop()
        running = [record for record in self.processes.recorded() if self.processes.alive(record.name)]
        with suppress(StackError):
            self.processes.stop(each for each in running if each.name not in INFRASTRUCTURE)
            self.processes.stop(each for each in running if each.name in INFRASTRUCTURE)


def _offset(env: Mapping[str, str]) -> int:
    """PORT_OFFSET, or one with which every port is free: the first where the user starts the app, whose settings name the
    ports, else any."""
    if given := os.environ.get("PORT_OFFSET"):
        return int(given)
    for offset in random.sample(OFFSETS, len(OFFSETS)) if "REPLICAS" in env else OFFSETS:
        planned = layout.plan({**env, "PORT_OFFSET": str(offset)}).ports
        if all(ports.free(port) for name, port in planned.items() if f"PORT_{name.upper()}" not in env):
            return offset
    raise StackError("no block of free ports: give PORT_OFFSET")
