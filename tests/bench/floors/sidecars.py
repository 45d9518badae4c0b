"""Two sidecars and an app that does nothing, beside the running system: what Dapr, Kafka and HTTP cost by themselves."""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import yaml

from stack import children
from stack.kafka_admin import Broker
from tests.bench import client
from tests.bench.floors.topics import broker, create_topic
from tests.bench.parts import of_process, processor_seconds
from tests.support.kafka import as_admin
from tests.support.ports import free_ports
from tests.support.stack import read_stack_env
from tests.support.waiting import eventually

REPO = Path(__file__).resolve().parents[3]
TOPIC, PARTITIONS = "bench-floor", 6
"""Twice those of the system's topics on a laptop. The recorded floors were measured with them."""
START_SECONDS = 120.0


@dataclass(frozen=True)
class Sidecars:
    """`invoke_url` is the no-op app, called through both sidecars; `publish_url` publishes to it through Kafka."""

    invoke_url: str
    publish_url: str
    count_url: str
    pids: tuple[int, ...]
    run: Path
    """The folder of the running system, whose Kafka they use."""

    def processor_seconds(self) -> float:
        """Of the sidecars, the app and Kafka."""
        return sum(of_process(pid) for pid in self.pids) + processor_seconds(self.run).get("kafka", 0.0)

    def events(self) -> int:
        return int(httpx.get(self.count_url).json())


@dataclass(frozen=True)
class Floor:
    """Of a unit of work: how many a second, and the processor time of each in ms, all processes together."""

    per_second: float
    processor_ms: float


def event_floor(sidecars: Sidecars, count: int) -> Floor:
    """Publish `count` events in bulks of 200 through Kafka to the app that does nothing."""
    before, used, began = sidecars.events(), sidecars.processor_seconds(), time.monotonic()
    with httpx.Client(timeout=30) as http:
        for first in range(0, count, 200):
            bulk = [_entry(number) for number in range(first, min(first + 200, count))]
            http.post(sidecars.publish_url, json=bulk).raise_for_status()
    eventually(lambda: sidecars.events() - before >= count, seconds=START_SECONDS, what="delivery")
    took = time.monotonic() - began
    return Floor(count / took, (sidecars.processor_seconds() - used) * 1000 / count)


def invocation_floor(sidecars: Sidecars, seconds: float, connections: int) -> Floor:
    """Call the app that does nothing through both sidecars, again and again."""
    used = sidecars.processor_seconds()
    answers = client.send(
        sidecars.invoke_url,
        [client.render("GET", sidecars.invoke_url, {}, b"")],
        connections=connections,
        seconds=seconds,
    )
    return Floor(answers.per_second, (sidecars.processor_seconds() - used) * 1000 / max(1, answers.answers))


def _entry(number: int) -> dict[str, object]:
    event = {"specversion": "1.0", "id": str(uuid4()), "source": "bench", "type": "floor", "data": {"text": "x" * 300}}
    metadata = {"partitionKey": str(number)}
    return {"entryId": str(number), "event": event, "contentType": "application/cloudevents+json", "metadata": metadata}


@contextlib.contextmanager
def noop_sidecars(environment: Mapping[str, str]) -> Iterator[Sidecars]:
    """`environment` is stack.env: the broker and daprd's settings are the running system's own."""
    ports = free_ports(9)
    app, front, behind = ports[0], ports[1:5], ports[5:9]
    settings = read_stack_env(Path(environment["RUN_DIR"]) / "env" / "daprd.env")
    create_topic(environment, TOPIC, partitions=PARTITIONS)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _resources(folder, broker(environment))
        env = {**os.environ, **settings, "MINSU_NAME_RESOLUTION_DB": str(folder / "names.db")}
        env.pop("DAPR_API_TOKEN", None)
        env.pop("APP_API_TOKEN", None)
        argv = [sys.executable, "-m", "tests.bench.floors.noop_app", str(app)]
        processes = [stack.enter_context(_child(argv, env, folder / "app.log"))]
        wait_for(f"http://127.0.0.1:{app}/count", folder / "app.log")
        for app_id, its, more in (("bench-behind", behind, ["--app-port", str(app)]), ("bench-front", front, [])):
            argv = _daprd(environment, folder, app_id, its) + more
            processes.append(stack.enter_context(_child(argv, env, folder / f"{app_id}.log")))
            wait_for(f"http://127.0.0.1:{its[0]}/v1.0/healthz", folder / f"{app_id}.log")
        url = f"http://127.0.0.1:{front[0]}/v1.0"
        sidecars = Sidecars(
            f"{url}/invoke/bench-behind/method/nothing",
            f"{url}/publish/bulk/pubsub/{TOPIC}",
            f"http://127.0.0.1:{app}/count",
            tuple(process.pid for process in processes),
            Path(environment["RUN_DIR"]),
        )
        event_floor(sidecars, 1)  # its consumer joins the group only after a while
        yield sidecars


def _resources(folder: Path, kafka: Broker) -> None:
    pubsub = yaml.safe_load((REPO / "components" / "pubsub.yaml").read_text())
    pubsub.pop("scopes", None)
    as_admin(pubsub, kafka)
    subscription = {
        "apiVersion": "dapr.io/v2alpha1",
        "kind": "Subscription",
        "metadata": {"name": "floor"},
        "spec": {
            "pubsubname": "pubsub",
            "topic": TOPIC,
            "routes": {"default": "/events"},
            "bulkSubscribe": {"enabled": True, "maxMessagesCount": 200, "maxAwaitDurationMs": 10},
        },
        "scopes": ["bench-behind"],
    }
    (folder / "resources").mkdir()
    for name, content in (("pubsub", pubsub), ("subscription", subscription)):
        (folder / "resources" / f"{name}.yaml").write_text(yaml.safe_dump(content))


def _daprd(environment: Mapping[str, str], folder: Path, app_id: str, ports: Sequence[int]) -> list[str]:
    """`ports`: HTTP, gRPC, internal gRPC, metrics."""
    http, grpc, internal, metrics = ports
    known = json.loads((Path(environment["RUN_DIR"]) / "state" / "processes" / "order-daprd.json").read_text())
    binary = Path(f"/proc/{known['pid']}/exe").resolve()  # the very one that the system runs
    options = {
        "app-id": app_id,
        "dapr-http-port": http,
        "dapr-grpc-port": grpc,
        "dapr-internal-grpc-port": internal,
        "metrics-port": metrics,
        "resources-path": folder / "resources",
        "config": REPO / "dapr" / "config.yaml",
        "dapr-listen-addresses": "127.0.0.1",
        "dapr-internal-grpc-listen-address": "127.0.0.1",
        "metrics-listen-address": "127.0.0.1",
        "log-level": "warn",
    }
    return [str(binary), *(f"--{name}={value}" for name, value in options.items())]


@contextlib.contextmanager
def _child(argv: list[str], env: Mapping[str, str], log: Path) -> Iterator[children.Child]:
    with log.open("wb") as out, children.child(argv, env=env, stdout=out, stderr=out, within=15) as process:
        yield process


def wait_for(url: str, log: Path, *, any_answer: bool = False) -> None:
    """Until `url` answers with success, or at all; exits with the end of `log` when it does not."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).is_success or any_answer:
                return
        time.sleep(0.1)
    sys.exit(f"no answer at {url}\n{log.read_text()[-3000:]}")
