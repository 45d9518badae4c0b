"""The whole system with its weak spots in reach: every part can be killed, paused and brought back by its name.

PostgreSQL, Kafka and the sandbox listen elsewhere than their layout says; at their own ports stands a proxy. All else is
started by the stack's own steps, so what is tried here is what `make up` runs.
"""

import dataclasses
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from stack import graph, layout, ports, replacements, system
from stack.errors import StackError
from stack.kafka_admin import Broker
from stack.parts import Part, all_parts
from stack.processes import Processes, Program
from tests.chaos.proxy import Network
from tests.support.rooms import make_policies, make_room
from tests.support.stack import REPO

BEHIND = 20
"""How far behind its proxy's port a part really listens: no stack's ports are there."""
APPS = layout.plan({}).services
SIDECARS = tuple(f"{name}-daprd" for name in APPS)
PROXIED = ("postgres", "kafka", "wechatsim")
PARTS = (*PROXIED, *APPS, *SIDECARS)
PATIENCE = 60.0
"""A part that is not back after so many seconds will not come back."""
TOLD = {"PAYMENT_FIRST_QUERY_SECONDS": "5", "PAYMENT_REFUND_SPACING_SECONDS": "1"}
"""Settings that make a run of minutes see what else takes hours."""


class _Silent:
    def waiting_for(self, names: list[str], elapsed: float) -> None: ...

    def done(self, name: str, took: float) -> None: ...


class Machine:
    """One running system in `run`, on ports moved by `offset`; `told` are settings as `make up` takes them, REPLICAS
    among them: `order-2` and its sidecar are then parts like the others."""

    def __init__(self, run: Path, offset: int, told: dict[str, str]) -> None:
        self.run = run
        self._told = {"MINSU_RUN_DIR": str(run), "PORT_OFFSET": str(offset), **replacements.told(os.environ), **told}
        self.where = layout.plan(self._told)
        self.network = Network()
        self.processes = Processes(run)
        beside = [f"{app}-{number}" for app, count in layout.replicas(told).items() for number in range(2, count + 1)]
        self.replicas = tuple(part for name in beside for part in (name, f"{name}-daprd"))
        self.names = PARTS + self.replicas
        self._locks = {name: threading.Lock() for name in self.names}
        self.env: dict[str, str] = {}

    def start(self) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # that the broker is away is what this is about
        for leftover in (self.run / "state").glob("names.db*"):
            leftover.unlink()
        self._environment, self.postgres = system.prepare(self.where, self._told)
        self.env = self._environment.stack() | {"RUN_DIR": str(self.run)}
        parts = [self._moved(part) for part in all_parts(self._environment, self.postgres)]
        self.parts = {part.name: part for part in parts}
        ports.require_free({part.name: part.ports for part in parts})
        ports.require_free({name: [("behind its proxy", self.real_port(name))] for name in PROXIED})
        for name in PROXIED:
            self.network.add(name, self.where.port(name), self.real_port(name))
        layout.record(self.where, list(self.parts))
        graph.run(system.steps(self._environment, self.postgres, parts, self.processes), _Silent())
        make_room(self.real_url("travel"))
        make_policies(self.real_url("travel"))

    def stop(self) -> None:
        for name in self.names:
            self.resume(name)
        done = subprocess.run(
            [sys.executable, "-m", "stack", "down"],
            cwd=REPO,
            env=os.environ | self._told,
            capture_output=True,
            text=True,
            check=False,
        )
        self.network.close()
        for name in self.names:
            self.processes.wait(name)
        if done.returncode:
            raise StackError(done.stdout + done.stderr)

    def erase(self) -> None:
        subprocess.run(
            [sys.executable, "-m", "stack", "erase"], cwd=REPO, env=os.environ | self._told, check=True, timeout=60
        )

    def real_port(self, name: str) -> int:
        """Where a part listens itself: for the tests' own looks and levers, which no fault may disturb."""
        return self.where.port(name) + (BEHIND if name in PROXIED else 0)

    def real_url(self, service: str) -> str:
        """The database of `service` for its owner, past the proxy."""
        url = self._environment.owner_url(service)
        return url.replace(f":{self.where.port('postgres')}/", f":{self.real_port('postgres')}/")

    @property
    def broker(self) -> Broker:
        """Kafka, through its proxy."""
        return self._environment.broker

    @property
    def superuser_url(self) -> str:
        password = self._environment.vault.token("postgres-password")
        return f"postgresql://minsu:{password}@127.0.0.1:{self.real_port('postgres')}"

    def app_token(self, service: str) -> str:
        """What the service's sidecar shows: with it a test can be one more tick of the clock."""
        return self._environment.vault.token(f"{service}-app-token")

    def delivered(self, service: str, path: str) -> str:
        """The URL of `path` as the service's own subscriptions and cron bindings call it."""
        return f"{self.where.url(service)}/delivered/{self._environment.vault.token(f'{service}-delivery-token')}{path}"

    def kill(self, name: str) -> None:
        """kill -9, the process alone or, for PostgreSQL, with its backends: none can close its connections."""
        for process in self._family(name):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.processes.wait(name)

    def pause(self, name: str) -> None:
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def alive(self, name: str) -> bool:
        return self.processes.alive(name) is not None

    def revive(self, name: str, program: Program | None = None) -> float:
        """As `stack up` does it: start it if it is gone, wait until it is ready. Returns the seconds it took."""
        began = time.monotonic()
        part = dataclasses.replace(self.parts[name], patience=PATIENCE / 2)
        if program is not None:
            part = dataclasses.replace(part, program=lambda: program)
        with self._locks[name]:
            while True:
                try:
                    part.bring_up(self.processes, threading.Event())
                    break
                except StackError:  # a daprd without its broker ends at once: a supervisor would start it again
                    if time.monotonic() - began > PATIENCE:
                        raise
                    time.sleep(1.0)
        return time.monotonic() - began

    def broken(self, service: str, how: str) -> Program:
        """The same service with something essential switched off, from outside: see `broken/sitecustomize.py`."""
        program = self.parts[service].program()
        folder = str(Path(__file__).parent / "broken")
        return dataclasses.replace(program, env=program.env | {"PYTHONPATH": folder, "MINSU_BROKEN": how})

    def _family(self, name: str) -> list[psutil.Process]:
        record = self.processes.alive(name)
        if record is None:
            return []
        try:
            root = psutil.Process(record.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _signal(self, name: str, number: int) -> None:
        for process in self._family(name):
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue

    def _moved(self, part: Part) -> Part:
        if part.name not in PROXIED:
            return part
        return dataclasses.replace(part, program=lambda: self._behind_proxy(part))

    def _behind_proxy(self, part: Part) -> Program:
        front, back = str(self.where.port(part.name)), str(self.real_port(part.name))
        program = part.program()
        if part.name == "kafka":
            file = self.where.run / "kafka" / "server.properties"
            told = f"listeners=CLIENTS://127.0.0.1:{front}"
            file.write_text(file.read_text().replace(f"\n{told}", f"\n{told.replace(front, back)}"))
            return program
        return dataclasses.replace(program, argv=[back if word == front else word for word in program.argv])
