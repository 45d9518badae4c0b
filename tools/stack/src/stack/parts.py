"""Every process of the system: what it runs, on which ports, and how one sees that it is ready."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from stack import daprfile, kafka, kafka_admin, mtls, observability, recorder, replacements, replicas, wechat
from stack.environment import Environment, fingerprint, inherited
from stack.errors import StackError
from stack.layout import DATABASES, Layout
from stack.postgres import Postgres
from stack.processes import Processes, Program

POLL = 0.15
NICE = {"notification": 10}
"""Money before messages: while the processor is short, notification waits. In a cluster requests say so."""
INFRASTRUCTURE = ("postgres", "kafka", "wechatsim", "sentry", "jaeger", "prometheus", "recorder")
SIDECAR_STOPS_WITHIN = 30.0
# An app goes when its sidecar has gone: see servicekit.draining.
APP_STOPS_WITHIN = 35.0


@dataclass(frozen=True)
class Part:
    name: str
    ports: tuple[tuple[str, int], ...]
    program: Callable[[], Program]
    why_not_ready: Callable[[], str | None]
    patience: float = 240.0
    settings: str = ""  # a fingerprint of what it is told at its start
    language: str = ""  # of a service; empty for what is none

    @property
    def port(self) -> int:
        return self.ports[0][1]

    def bring_up(self, processes: Processes, give_up: threading.Event) -> None:
        """Start it unless it runs, then wait until it is ready; a death on the way is an error."""
        if not processes.alive(self.name):
            processes.start(self.program(), self.settings)
        deadline = time.monotonic() + self.patience
        while (reason := self.why_not_ready()) is not None:
            processes.must_live(self.name)
            if give_up.is_set():
                return
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.name} runs but is not ready after {self.patience:.0f} s ({reason}); its last lines:\n"
                    + processes.tail(self.name)
                )
            give_up.wait(POLL)
        processes.must_live(self.name)


@cache
def _client() -> httpx.Client:
    """One for all checks: a client of its own for each would load the CA certificates each time, 40 ms of a core."""
    return httpx.Client(timeout=3, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def http_check(url: str, *wanted: int) -> Callable[[], str | None]:
    """A readiness check: GET `url` returns one of the statuses `wanted`."""

    def check() -> str | None:
        try:
            status = _client().get(url).status_code
        except httpx.HTTPError as error:
            return f"no answer ({type(error).__name__})"
        return None if status in wanted else f"status {status}"

    return check


def all_parts(environment: Environment, postgres: Postgres) -> list[Part]:
    """In the order in which they start. What the caller brings along is not ours to start."""
    layout, outside, broker = environment.layout, environment.outside, environment.broker
    parts = []
    if set(outside.databases) != set(DATABASES):
        pairs = (("", layout.port("postgres")),)
        parts.append(Part("postgres", pairs, postgres.program, postgres.why_not_ready))
    if not outside.brokers:
        ports = (("", layout.port("kafka")), ("controller", layout.port("kafka-controller")))
        parts.append(
            Part(
                "kafka",
                ports,
                lambda: kafka.program(layout, broker.password),
                lambda: kafka_admin.why_not_ready(broker),
            )
        )
    parts.append(_wechatsim(environment))
    if "sentry" in layout.ports:
        parts.append(_sentry(layout))
    if layout.is_observed:
        parts += [_jaeger(layout), _prometheus(layout)]
    if layout.is_recorded:
        parts.append(_recorder(layout))
    apps = [app for rendered in layout.run_files().values() for app in daprfile.apps(rendered)]
    for name, app in replicas.named(apps, layout):
        parts += [_app(name, app, environment), _sidecar(name, app, environment)]
    return parts


def _sentry(layout: Layout) -> Part:
    names = {"": "sentry", "health": "sentry-health", "metrics": "sentry-metrics"}
    ready = http_check(f"{layout.url('sentry-health')}/healthz", 200, 204)
    pairs = tuple((purpose, layout.port(name)) for purpose, name in names.items())
    return Part("sentry", pairs, lambda: mtls.program(layout), ready)


def _jaeger(layout: Layout) -> Part:
    """Ready when it takes spans: the query API is there before."""
    ports = (("", layout.port("jaeger")), ("gRPC", layout.port("jaeger-grpc")), ("OTLP", layout.port("jaeger-otlp")))
    ready = http_check(f"{layout.url('jaeger-otlp')}/v1/traces", 405)
    return Part("jaeger", ports, lambda: observability.jaeger_program(layout), ready)


def _prometheus(layout: Layout) -> Part:
    ready = http_check(f"{layout.url('prometheus')}/-/ready", 200)
    told = fingerprint(observability.prometheus_config(layout))
    pairs = (("", layout.port("prometheus")),)
    return Part("prometheus", pairs, lambda: observability.prometheus_program(layout), ready, settings=told)


def _recorder(layout: Layout) -> Part:
    listens = {name: front for name, (front, _) in recorder.links(layout).items()}
    pairs = (("", layout.port("recorder")), *listens.items())
    return Part(
        "recorder", pairs, lambda: recorder.program(layout), http_check(f"{layout.url('recorder')}/healthz", 204)
    )


def _wechatsim(environment: Environment) -> Part:
    layout = environment.layout
    program = Program("wechatsim", wechat.serve_argv(layout), inherited(), layout.run)
    ready = http_check(f"{layout.url('wechatsim')}/_sim/healthz", 200, 204)
    told = fingerprint(environment.merchant.content)
    return Part("wechatsim", (("", layout.port("wechatsim")),), lambda: program, ready, settings=told)


def _app(name: str, app: daprfile.App, environment: Environment) -> Part:
    env = inherited() | app.environment()
    program = Program(name, app.command, env, app.folder, stop_within=APP_STOPS_WITHIN, nice=NICE.get(app.id, 0))
    ready = http_check(f"{environment.layout.url(name)}/readyz", 200)
    told = fingerprint(environment.service(app.id) | {"command": " ".join(app.command)})
    language = replacements.language_of(app.command)
    return Part(name, (("", app.port("appPort")),), lambda: program, ready, settings=told, language=language)


def _sidecar(replica: str, app: daprfile.App, environment: Environment) -> Part:
    name = f"{replica}-daprd"
    beside = daprfile.App(app.fields | {"appPort": environment.layout.seen_by_sidecar(replica)})
    argv = [str(app.daprd), *beside.flags()]
    program = Program(name, argv, inherited(), app.folder, stop_within=SIDECAR_STOPS_WITHIN, nice=NICE.get(app.id, 0))
    purposes = {
        "daprHTTPPort": "HTTP",
        "daprGRPCPort": "gRPC",
        "daprInternalGRPCPort": "internal",
        "metricsPort": "metrics",
    }
    ports = tuple((purpose, app.port(field)) for field, purpose in purposes.items())
    ready = http_check(f"{environment.layout.url(replica + '-dapr-http')}/v1.0/healthz", 204)
    told = fingerprint(environment.sidecars() | environment.sidecar(app.id) | {"APP_PORT": beside.port("appPort")})
    return Part(name, ports, lambda: program, ready, settings=told)


def _keep_or_forget(environment: Environment, service: str) -> str:
    if service in environment.outside.databases:
        return f"give {service.upper()}_DATABASE_URL another database, or run the version that made this one"
    return (
        f"`make clean` forgets all data in {environment.layout.run}; to keep them, start this version in another folder"
        " (MINSU_RUN_DIR=.run-new make run) or run the version that made them"
    )


def run_once(environment: Environment, service: str, verb: str, log: Path) -> None:
    """`python -m <service> migrate` as the owner of its tables, or `seed` with the service's and the demo's settings."""
    layout = environment.layout
    told = environment.service(service) | environment.seed(service)
    env = inherited() | (environment.migration(service) if verb == "migrate" else told)
    with log.open("w") as sink:
        done = subprocess.run(  # noqa: S603 - the stack's own services
            [str(layout.python), "-m", service, verb], env=env, cwd=layout.repo / "apps" / service,
            stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode == os.EX_DATAERR:  # servicekit.run.DATABASE_UNKNOWN
        said = log.read_text(errors="replace").splitlines()[-1]
        raise StackError(f"{said}; {_keep_or_forget(environment, service)}")
    if done.returncode:
        tail = "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-15:])
        raise StackError(f"{service} {verb} failed (exit {done.returncode}); the end of {log}:\n{tail}")
