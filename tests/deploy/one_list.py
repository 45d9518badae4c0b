"""One list of app-ids, ports, components, topics, images and versions, as each of the ways to run Minsu tells it.

`drift` names every difference in words; the laptop's files and versions.env are what the others are held to.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stack import daprfile, kafka_admin, sidecar
from stack.setup import versions
from tests.deploy.manifests import REPO, Documents

PORT_FLAGS = {
    "--app-port": "appPort",
    "--dapr-http-port": "daprHTTPPort",
    "--dapr-grpc-port": "daprGRPCPort",
    "--dapr-internal-grpc-port": "daprInternalGRPCPort",
    "--metrics-port": "metricsPort",
}
APP_PORTS = {"APP_PORT": "appPort", "DAPR_HTTP_PORT": "daprHTTPPort", "DAPR_GRPC_PORT": "daprGRPCPort"}
SIDECAR_FIELDS = {  # dapr.yaml's common → the injector's annotation
    "appProtocol": "app-protocol",
    "enableAppHealthCheck": "enable-app-health-check",
    "appHealthCheckPath": "app-health-check-path",
    "appHealthProbeInterval": "app-health-probe-interval",
    "appHealthProbeTimeout": "app-health-probe-timeout",
    "appHealthThreshold": "app-health-threshold",
    "readBufferSize": "read-buffer-size",
    "maxBodySize": "max-body-size",
}


@dataclass
class Laptop:
    """dapr/dapr.yaml, the resource folders, contracts/asyncapi.yaml and versions.env."""

    run_file: dict[str, Any]
    pins: dict[str, str]
    components: dict[str, list[str]]
    topics: set[str]
    api: list[Any]

    @classmethod
    def read(cls, repo: Path = REPO) -> "Laptop":
        components = {}
        for file in sorted((repo / "components").glob("*.yaml")):
            for one in yaml.safe_load_all(file.read_text()):
                components[one["metadata"]["name"]] = sorted(one["scopes"])
        return cls(
            yaml.safe_load((repo / "dapr" / "dapr.yaml").read_text()),
            versions.read(repo / "versions.env"),
            components,
            set(kafka_admin.topics(repo / "contracts" / "asyncapi.yaml")),
            yaml.safe_load((repo / "dapr" / "config.yaml").read_text())["spec"]["api"]["allowed"],
        )

    @property
    def apps(self) -> dict[str, dict[str, Any]]:
        return {entry["appID"]: entry for entry in self.run_file["apps"]}


@dataclass
class Compose:
    content: dict[str, Any]
    dockerfile: str
    script: str = field(default="")

    @classmethod
    def read(cls, repo: Path = REPO) -> "Compose":
        docker = repo / "deploy" / "docker"
        content = yaml.safe_load((repo / "docker-compose.yml").read_text())
        return cls(content, (docker / "Dockerfile").read_text(), (docker / "sidecar").read_text())

    def sidecars(self) -> dict[str, dict[str, Any]]:
        found = self.content["services"].items()
        return {one["environment"]["APP_ID"]: one for name, one in found if name.endswith("-daprd")}

    def flags(self, app: str) -> dict[str, list[str]]:
        """What its daprd is told: the script's words and its own."""
        command = self.script[self.script.index("exec daprd") :].replace("\\\n", " ")
        words = [*shlex.split(command)[2:-1], *self.sidecars()[app]["command"]]
        told: dict[str, list[str]] = {}
        for word in words:
            name, _, value = str(word).partition("=")
            told.setdefault(name, []).append(value)
        return told


def drift(laptop: Laptop, compose: Compose, clusters: Mapping[str, Documents]) -> list[str]:
    found = [f"compose: {problem}" for problem in _compose(laptop, compose)]
    for name, documents in clusters.items():
        found += [f"{name}: {problem}" for problem in _cluster(laptop, documents)]
    return found


def _compose(laptop: Laptop, compose: Compose) -> Iterator[str]:
    sidecars = compose.sidecars()
    yield from _same("sidecars", set(sidecars), set(laptop.apps))
    for app in sorted(set(sidecars) & set(laptop.apps)):
        yield from _composed_app(laptop, compose, app)
    yield from _images(laptop.pins, compose)


def _composed_app(laptop: Laptop, compose: Compose, app: str) -> Iterator[str]:
    entry, common, flags = laptop.apps[app], laptop.run_file["common"], compose.flags(app)
    for flag, port in PORT_FLAGS.items():
        yield from _same(f"{app} {flag}", flags.get(flag), [str(entry[port])])
    for name in SIDECAR_FIELDS:
        told, value = str(daprfile.SHARED_FIELDS[name]), common[name]
        yield from _same(f"{app} {told}", flags.get(told), ["" if value is True else str(value)])
    environment = compose.content["services"][app]["environment"]
    for variable, port in APP_PORTS.items():
        yield from _same(f"{app} {variable}", environment.get(variable), str(entry[port]))
    own = compose.sidecars()[app]
    yield from _same(f"{app} network", own["network_mode"], f"service:{app}")
    folders = {f"/dapr/{Path(path).name}": (REPO / "dapr" / path).resolve() for path in common["resourcesPaths"]}
    # Those with routes are copies that carry the app's delivery token.
    told = [f"/dapr/{Path(place).name}" for place in flags["--resources-path"]]
    yield from _same(f"{app} resources", told, list(folders))
    mounted = {target: source for source, target in (one.split(":")[:2] for one in own["volumes"])}
    for folder, real in folders.items():
        yield from _same(f"{app} {folder}", mounted.get(folder), f"./{real.relative_to(REPO)}")
    yield from _same(f"{app} block", flags["--dapr-block-shutdown-duration"], [sidecar.BLOCK_SHUTDOWN])
    yield from _same(f"{app} graceful", flags["--dapr-graceful-shutdown-seconds"], [sidecar.GRACEFUL_SHUTDOWN])


def _images(pins: dict[str, str], compose: Compose) -> Iterator[str]:
    dapr = pins["DAPR_VERSION"]
    foreign = {
        "postgres": pins["POSTGRES_IMAGE"].partition(":")[2],
        "apache/kafka": pins["KAFKA_VERSION"],
        "daprio/sentry": dapr,
    }
    for name, one in compose.content["services"].items():
        image, _, tag = one["image"].partition("@")[0].partition(":")  # a digest: make digests
        yield from _same(f"{name} image {image}", tag, foreign.get(image, pins["MINSU_VERSION"]))
        arguments = one.get("build", {}).get("args", {})
        yield from _same(f"{name} daprd", str(arguments.get("DAPR_VERSION", dapr)), dapr)
    for argument in ("PYTHON_IMAGE", "DAPR_VERSION", "MINSU_VERSION"):
        if not re.search(rf"ARG {argument}={re.escape(pins[argument])}(@\S+)?\n", compose.dockerfile):
            yield f"the Dockerfile's {argument} is not {pins[argument]}"


def _cluster(laptop: Laptop, documents: Documents) -> Iterator[str]:
    services, common = documents.services(), laptop.run_file["common"]
    yield from _same("app-ids", set(services), set(laptop.apps))
    for app in set(services) & set(laptop.apps):
        notes, port = services[app]["metadata"]["annotations"], laptop.apps[app]["appPort"]
        container = services[app]["spec"]["containers"][0]
        yield from _same(f"{app} app-port", notes.get("dapr.io/app-port"), str(port))
        yield from _same(f"{app} containerPort", container["ports"][0]["containerPort"], port)
        yield from _same(f"{app} image", container["image"], f"minsu/{app}:{laptop.pins['MINSU_VERSION']}")
        daprd = f"daprio/daprd:{laptop.pins['DAPR_VERSION']}"
        yield from _same(f"{app} sidecar-image", notes.get("dapr.io/sidecar-image"), daprd)
        for name, note in SIDECAR_FIELDS.items():
            value = common[name]
            yield from _same(f"{app} {note}", notes.get(f"dapr.io/{note}"), "true" if value is True else str(value))
        yield from _same(f"{app} config", notes.get("dapr.io/config"), app)
    yield from _same("Configurations", documents.names("Configuration"), set(laptop.apps))
    for one in documents.of("Configuration"):
        yield from _same(f"{one['metadata']['name']} API list", one["spec"]["api"]["allowed"], laptop.api)
    components = {one["metadata"]["name"]: sorted(one["scopes"]) for one in documents.of("Component")}
    yield from _same("components", components, laptop.components)
    subscribed = {one["spec"]["topic"] for one in documents.of("Subscription")}
    yield from _same("subscribed topics", subscribed, laptop.topics)
    if documents.of("KafkaTopic"):
        yield from _same("KafkaTopics", documents.names("KafkaTopic"), laptop.topics)
    for one in documents.of("Kafka"):
        yield from _same("Kafka", one["spec"]["kafka"]["version"], laptop.pins["KAFKA_VERSION"])
    suffix = laptop.pins["MINSU_VERSION"].replace(".", "-")
    jobs = {f"{app}-migrate-{suffix}" for app in laptop.apps if app != "gateway"}
    yield from _same("migrations", documents.names("Job"), jobs)


def _same(what: str, found: Any, wanted: Any) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found!r}, the laptop says {wanted!r}"
