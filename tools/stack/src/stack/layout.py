"""Where one stack keeps its things and which ports it takes. Two stacks on one host differ in both and never meet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stack import daprfile, seats
from stack.errors import StackError
from stack.seats import Seat

REPO = Path(__file__).resolve().parents[4]
# Below the range that the system hands out to clients (32768 up), or a restart may find its port taken; and such that
# stacks whose offsets differ by a multiple of 100 share none.
INFRASTRUCTURE = {"postgres": 15432, "kafka": 9092, "kafka-controller": 9093, "wechatsim": 8090}
DATABASES = ("usercenter", "travel", "order", "payment", "notification")
SEEDED = ("usercenter", "travel")
PORT_NAMES = {
    "appPort": "",
    "daprHTTPPort": "-dapr-http",
    "daprGRPCPort": "-dapr-grpc",
    "daprInternalGRPCPort": "-dapr-internal",
    "metricsPort": "-metrics",
}
SENTRY = {"sentry": 15001, "sentry-health": 15002, "sentry-metrics": 15003}
OBSERVABILITY = {"jaeger": 16686, "jaeger-grpc": 16685, "jaeger-otlp": 4318, "prometheus": 9095}
RECORDER = {"recorder": 8099}
WIRE = "-wire"
"""With RECORD=1: `order-wire` is the port that order's sidecar takes for order's own; the recorder listens there."""
WIRE_STEP = 20
MOST_REPLICAS = 3
HIGHEST_PORT = 65535
RECORD = Path("state") / "stack.json"


@dataclass(frozen=True)
class Layout:
    repo: Path
    run: Path
    ports: dict[str, int]
    seats: tuple[Seat, ...] = ()

    @cached_property
    def services(self) -> tuple[str, ...]:
        """Of dapr/dapr.yaml, then the apps of the seats that joined."""
        own = (entry["appID"] for entry in daprfile.load(self.dapr_file)["apps"])
        return (*own, *(seat.app for seat in self.seats))

    @property
    def callbacks_to(self) -> str:
        """Where WeChat's callbacks go: past the gateway, as the ingress sends them (deploy/k8s/base)."""
        return "payment"

    @property
    def dapr_file(self) -> Path:
        return self.repo / "dapr" / "dapr.yaml"

    @property
    def rendered_dapr_file(self) -> Path:
        return self.run / "dapr.yaml"

    def run_files(self) -> dict[Path, Path]:
        """Each run file, and where it lies with absolute paths and this stack's ports."""
        joined = {seat.dapr_file: self.run / f"dapr-{seat.app}.yaml" for seat in self.seats}
        return {self.dapr_file: self.rendered_dapr_file, **joined}

    @property
    def contract(self) -> Path:
        """Topics, and who publishes and reads them."""
        return self.repo / "contracts" / "asyncapi.yaml"

    @property
    def python(self) -> Path:
        return self.repo / ".venv" / "bin" / "python"

    @property
    def tools(self) -> Path:
        return self.repo / ".tools"

    @property
    def keys(self) -> Path:
        return self.run / "wechatsim"

    def port(self, name: str) -> int:
        return self.ports[name]

    @property
    def is_observed(self) -> bool:
        """OBS=1: Jaeger and Prometheus run beside the services."""
        return "jaeger" in self.ports

    @property
    def is_recorded(self) -> bool:
        """RECORD=1: the recorder runs between every sidecar and its app."""
        return "recorder" in self.ports

    def seen_by_sidecar(self, name: str) -> int:
        """The port of an app as its sidecar knows it, and every other caller that should be recorded. Seats that joined are
        not recorded."""
        return self.port(self.before(name))

    def before(self, name: str) -> str:
        """The name of that port: the recorder's in front of an app, or the app's own."""
        return name + WIRE if name + WIRE in self.ports else name

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port(name)}"

    def continues(self, before: Layout) -> bool:
        """Whether it is `before`, which runs, and at most more seats: these join without a restart."""
        new = {seat.app + suffix for seat in self.seats if seat not in before.seats for suffix in PORT_NAMES.values()}
        return before.ports == {name: port for name, port in self.ports.items() if name not in new}

    def dapr_ports(self) -> dict[str, dict[str, int]]:
        return {
            service: {field: self.port(service + suffix) for field, suffix in PORT_NAMES.items()}
            for service in self.services
        }


def run_folder(env: Mapping[str, str], repo: Path = REPO) -> Path:
    return (repo / (env.get("MINSU_RUN_DIR") or ".run")).resolve()


def planned_ports(dapr_file: Path, env: Mapping[str, str], joined: Iterable[Seat] = ()) -> dict[str, int]:
    """Defaults + PORT_OFFSET; PORT_<NAME> (PORT_KAFKA, PORT_ORDER, PORT_ORDER_DAPR_HTTP …) sets one alone.

    MTLS=1 adds sentry's, OBS=1 those of Jaeger and Prometheus, RECORD=1 the recorder's; REPLICAS="order=2" adds those of
    `order-2`; seats that joined have their own.
    """
    offset = _number("PORT_OFFSET", env.get("PORT_OFFSET") or "0")
    ports = dict(INFRASTRUCTURE)
    apps = daprfile.load(dapr_file)["apps"]
    for entry in apps:
        for number in range(1, replicas(env).get(entry["appID"], 1) + 1):
            name = entry["appID"] if number == 1 else f"{entry['appID']}-{number}"
            step = len(apps) * (number - 1)  # a replica's ports lie behind those of every service
            ports |= {name + suffix: int(entry[field]) + step for field, suffix in PORT_NAMES.items()}
            if _is_on(env, "RECORD"):
                ports[name + WIRE] = int(entry["appPort"]) + step + WIRE_STEP
    for seat in joined:
        [entry] = daprfile.load(seat.dapr_file)["apps"]
        if missing := [field for field in PORT_NAMES if field not in entry]:
            raise StackError(f"{seat.dapr_file}: {', '.join(missing)} is missing")
        ports |= {seat.app + suffix: int(entry[field]) for field, suffix in PORT_NAMES.items()}
    for switch, more in (("MTLS", SENTRY), ("OBS", OBSERVABILITY), ("RECORD", RECORDER)):
        if _is_on(env, switch):
            ports |= more
    planned = {}
    for name, default in ports.items():
        variable = "PORT_" + name.upper().replace("-", "_")
        alone = env.get(variable)
        planned[name] = _number(variable, alone) if alone else default + offset
    _check(planned)
    return planned


def _is_on(env: Mapping[str, str], switch: str) -> bool:
    return env.get(switch, "") not in {"", "0"}


def replicas(env: Mapping[str, str]) -> dict[str, int]:
    """REPLICAS="order=2 payment=2": how many of each service beside one another."""
    found = {}
    for word in (env.get("REPLICAS") or "").split():
        service, _, count = word.partition("=")
        found[service] = _number("REPLICAS", count)
        if service not in (*DATABASES, "gateway") or not 1 <= found[service] <= MOST_REPLICAS:
            raise StackError(f"REPLICAS={word}: a service and a number from 1 to {MOST_REPLICAS}")
    return found


def _number(variable: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise StackError(f"{variable}={text} is not a number") from None


def _check(planned: Mapping[str, int]) -> None:
    taken: dict[int, str] = {}
    for name, port in planned.items():
        if not 0 < port <= HIGHEST_PORT:
            raise StackError(f"port {port} for {name} is outside 1–{HIGHEST_PORT}")
        if port in taken:
            raise StackError(f"port {port} is planned twice, for {taken[port]} and for {name}")
        taken[port] = name


def plan(env: Mapping[str, str] | None = None, repo: Path = REPO) -> Layout:
    """The layout that the environment asks for."""
    env = os.environ if env is None else env
    joined = seats.joined(env, repo)
    ports = planned_ports(repo / "dapr" / "dapr.yaml", env, joined)
    return Layout(repo, run_folder(env, repo), ports, joined)


@dataclass(frozen=True)
class Recorded:
    """What was last brought up in a run folder: what `down` and `status` look at."""

    layout: Layout
    parts: tuple[str, ...]


def recorded(env: Mapping[str, str] | None = None, repo: Path = REPO) -> Recorded:
    env = os.environ if env is None else env
    run = run_folder(env, repo)
    file = run / RECORD
    if not file.exists():
        return Recorded(plan(env, repo), ())
    content = json.loads(file.read_text())
    joined = tuple(Seat(repo / "seats" / name) for name in content.get("seats", []))
    return Recorded(Layout(repo, run, content["ports"], joined), tuple(content["parts"]))


def record(layout: Layout, parts: Iterable[str]) -> None:
    file = layout.run / RECORD
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"ports": layout.ports, "parts": list(parts), "seats": [seat.folder.name for seat in layout.seats]}
    file.write_text(json.dumps(content, indent=1) + "\n")
