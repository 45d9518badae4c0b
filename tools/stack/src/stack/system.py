"""The whole system: up starts what is missing, down stops what was started here, status looks at each part."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from stack import (
    daprfile,
    graph,
    layout,
    observability,
    pgserver,
    ports,
    recorder,
    replacements,
    replicas,
    sidecar,
    wechat,
)
from stack.environment import Environment, External, external
from stack.errors import StackError
from stack.layout import DATABASES, SEEDED, Layout
from stack.parts import INFRASTRUCTURE, Part, all_parts, run_once
from stack.postgres import Postgres
from stack.processes import Processes
from stack.seats import Seat
from stack.vault import Vault


@dataclass(frozen=True)
class Started:
    environment: Environment
    parts: list[Part]
    new: list[str]
    outdated: list[str]


@dataclass(frozen=True)
class PartState:
    part: str
    pid: int | None
    port: int
    state: str
    started_at: float | None
    language: str = ""
    """Of a service; empty for what is none."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@contextmanager
def exclusive(run: Path) -> Iterator[None]:
    """One `up` or `down` at a time in a run folder. Keys, passwords and logs are in it: it is closed to other users, except
    that PostgreSQL's user may pass through to its data."""
    run.mkdir(parents=True, exist_ok=True)
    run.chmod(0o711 if pgserver.system_user() else 0o700)
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(where: Layout, caller: Mapping[str, str]) -> tuple[Environment, Postgres]:
    """Keys, passwords, env files, the wrapper and the rendered dapr.yaml: everything but processes."""
    vault = Vault(where.run)
    merchant = wechat.make_keys(where, vault)
    environment = Environment(where, vault, merchant, external(where, vault, caller), caller)
    environment.write()
    sidecar.write_wrapper(where)
    programs = {seat.app: seat.program for seat in replacements.chosen(where.repo, caller)}
    for file, rendered in where.run_files().items():
        rendered.write_text(daprfile.render(file, where.dapr_ports(), where.run, programs))
    return environment, Postgres(where, vault)


def up(watcher: graph.Watcher, *, infrastructure_only: bool = False) -> Started:
    where = layout.plan()
    with exclusive(where.run):
        processes = Processes(where.run)
        alive = {record.name for record in processes.recorded() if processes.alive(record.name)}
        before = layout.recorded()
        if alive and not where.continues(before.layout):
            raise StackError(f"a stack with other ports or seats runs in {where.run}: make down first")
        if where.is_observed:
            observability.require(where)
        if where.is_recorded:
            recorder.require(where)
        if not alive:
            for leftover in (where.run / "state").glob("names.db*"):
                leftover.unlink()
        environment, postgres = prepare(where, os.environ)
        parts = all_parts(environment, postgres)
        if infrastructure_only:
            parts = [part for part in parts if part.name in INFRASTRUCTURE]
        names = [part.name for part in parts]
        missing = [part for part in parts if part.name not in alive]
        ports.require_free({part.name: part.ports for part in missing})
        layout.record(where, [*names, *(name for name in before.parts if name in alive and name not in names)])
        graph.run(steps(environment, postgres, parts, processes), watcher)
        records = {part.name: processes.record(part.name) for part in parts}
        outdated = [part.name for part in parts if (one := records[part.name]) and one.settings != part.settings]
        return Started(environment, parts, [part.name for part in missing], outdated)


def steps(
    environment: Environment, postgres: Postgres, parts: list[Part], processes: Processes
) -> Iterator[graph.Step]:
    """All that `up` does with what `prepare` has made: start `parts`, create databases and topics, migrate, seed."""
    outside = environment.outside
    own = [name for name in DATABASES if name not in outside.databases]
    for part in parts:
        yield graph.Step(part.name, _bring_up(part, processes), _needs(part.name))
    if own:
        yield graph.Step("databases", lambda _: postgres.create_databases(own), ("postgres",))
    yield graph.Step("topics", lambda _: environment.set_up_kafka(), ("kafka",))
    chosen = replacements.chosen(environment.layout.repo, environment.caller)
    built: list[Seat | replacements.Replacement] = [*environment.layout.seats, *chosen]
    for seat in built:
        yield graph.Step(f"{seat.app} build", _build(seat, environment.layout.run))
    for service in DATABASES:
        if _source_unchanged(environment, service, postgres.home):
            continue
        yield graph.Step(f"{service} migrate", _once(environment, service, "migrate", postgres.home), ("databases",))
        if service in SEEDED:
            yield graph.Step(
                f"{service} seed", _once(environment, service, "seed", postgres.home), (f"{service} migrate",)
            )


def _needs(name: str) -> tuple[str, ...]:
    if name in INFRASTRUCTURE:
        return ()
    if name.endswith("-daprd"):
        return ("topics", "wechatsim", "sentry")
    service = replicas.service_of(name)
    return (f"{service} migrate", f"{service} seed", f"{service} build", "databases")


def _bring_up(part: Part, processes: Processes) -> Callable[[threading.Event], None]:
    return lambda give_up: part.bring_up(processes, give_up)


def _build(seat: Seat | replacements.Replacement, run: Path) -> Callable[[threading.Event], None]:
    return lambda _: seat.build(run / "logs" / f"{seat.app}-build.log")


def _once(environment: Environment, service: str, verb: str, home: Path) -> Callable[[threading.Event], None]:
    run = environment.layout.run

    def action(_: threading.Event) -> None:
        run_once(environment, service, verb, run / "logs" / f"{service}-{verb}.log")
        if verb == "seed" or service not in SEEDED:
            _stamp(home, service).write_text(_source(environment, service))

    return action


def _source_unchanged(environment: Environment, service: str, home: Path) -> bool:
    """Our own database is as this source migrated and seeded it: no need to do it again."""
    stamp = _stamp(home, service)
    return (
        service not in environment.outside.databases
        and stamp.exists()
        and stamp.read_text() == _source(environment, service)
    )


def _stamp(home: Path, service: str) -> Path:
    """Beside the data, and forgotten with them."""
    return home / f"migrated-{service}"


def _source(environment: Environment, service: str) -> str:
    """A digest of what a migration (and, where there is one, a seed) of this database depends on."""
    told = environment.migration(service) | (environment.seed(service) if service in SEEDED else {})
    whole = hashlib.sha256(f"{environment.database_url(service)} {told}".encode())
    folder = environment.layout.repo / "apps" / service / "src"
    if service not in SEEDED:
        folder = folder / service / "migrations"
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        whole.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return whole.hexdigest()


def running() -> set[str]:
    run = layout.run_folder(os.environ)
    processes = Processes(run)
    return {record.name for record in processes.recorded() if processes.alive(record.name)}


def stop_all_but(spared: set[str]) -> tuple[list[str], list[str]]:
    """Services and sidecars at once, then what they stand on at once. Returns what was stopped, and what was killed."""
    run = layout.run_folder(os.environ)
    if not run.exists():
        return [], []
    with exclusive(run):
        processes = Processes(run)
        records = [record for record in reversed(processes.recorded()) if record.name not in spared]
        stopped = [record.name for record in records if processes.alive(record.name)]
        killed = processes.stop(record for record in records if record.name not in INFRASTRUCTURE)
        killed += processes.stop(record for record in records if record.name in INFRASTRUCTURE)
        return stopped, killed


def down() -> tuple[list[str], list[str]]:
    """Stop exactly what was started here."""
    return stop_all_but(set())


def status() -> list[PartState]:
    before = layout.recorded()
    if not before.parts:
        return []
    where = before.layout
    vault = Vault(where.run)
    merchant = wechat.make_keys(where, vault)
    environment = Environment(where, vault, merchant, External(brokers=""), os.environ)
    processes = Processes(where.run)
    known = {part.name: part for part in all_parts(environment, Postgres(where, vault))}
    return [_state(known[name], processes) for name in before.parts if name in known]


def _state(part: Part, processes: Processes) -> PartState:
    record = processes.alive(part.name)
    if record is None:
        return PartState(part.name, None, part.port, "down", None, part.language)
    reason = part.why_not_ready()
    return PartState(part.name, record.pid, part.port, reason or "ready", record.started_at, part.language)


def erase() -> None:
    """Forget this stack: data, keys, passwords, logs."""
    where = layout.plan()
    if not (where.run / "state").exists():
        return
    if where.repo.is_relative_to(where.run):
        raise StackError(f"{where.run} holds more than a stack: not erased")
    Postgres(where, Vault(where.run)).erase()
    shutil.rmtree(where.run)


def dump(states: list[PartState]) -> str:
    return json.dumps([state.as_json() for state in states], indent=1)
