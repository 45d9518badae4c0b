"""One Kafka node in KRaft mode with its own data folder, and the topics that contracts/asyncapi.yaml names."""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from stack.environment import inherited
from stack.errors import StackError
from stack.layout import Layout
from stack.processes import Program
from stack.setup import kafka_classes

HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
QUICK_ANSWER_MS = 3000


def topics(contract: Path) -> dict[str, int]:
    """Every channel's topic and its partitions."""
    content: dict[str, Any] = yaml.safe_load(contract.read_text())
    found = {}
    for name, channel in content["channels"].items():
        try:
            found[str(channel["address"])] = int(channel["bindings"]["kafka"]["partitions"])
        except KeyError as missing:
            raise StackError(f"{contract.name}: channel {name} has no {missing}") from None
    return found


def create_topics(brokers: str, wanted: dict[str, int]) -> list[str]:
    """Create what is missing, in one request. Returns the new ones' names."""
    admin = _admin(brokers)
    try:
        missing = sorted(set(wanted) - set(admin.list_topics()))
        if missing:
            admin.create_topics({name: {"num_partitions": wanted[name]} for name in missing}, wait_for_metadata=True)
    except KafkaError as error:
        raise StackError(f"the topics could not be created at {brokers}: {error}") from error
    finally:
        admin.close()
    return missing


def why_not_ready(brokers: str) -> str | None:
    try:
        _admin(brokers).close()
    except (KafkaError, OSError) as error:
        return str(error) or type(error).__name__
    return None


def _admin(brokers: str) -> KafkaAdminClient:
    return KafkaAdminClient(
        bootstrap_servers=brokers, client_id="minsu-stack",
        request_timeout_ms=10 * QUICK_ANSWER_MS, bootstrap_timeout_ms=QUICK_ANSWER_MS,
    )  # fmt: skip


def program(layout: Layout) -> Program:
    folder = layout.run / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(_properties(layout))
    logging = folder / "log4j2.properties"
    logging.write_text(LOGGING)
    jars = kafka_classes.class_path(layout.tools)
    classes = kafka_classes.archive(layout.tools)
    shared = [f"-XX:SharedArchiveFile={classes}"] if classes.exists() else []
    if not (folder / "data" / "meta.properties").exists():
        storage = ["java", "-Xmx128m", "-cp", jars, *shared, "kafka.tools.StorageTool", "format"]
        _java([*storage, "-t", cluster_id(uuid.uuid4()), "-c", str(properties)])
    options = [*HEAP, *shared, f"-Dlog4j2.configurationFile={logging}", "-cp", jars]
    argv = ["java", *options, "kafka.Kafka", str(properties)]
    return Program("kafka", argv, inherited(), folder, stop_within=20.0)


def cluster_id(number: uuid.UUID) -> str:
    """Kafka's own spelling of a UUID; one that begins with a dash (one in 64) would be read as an option."""
    return urlsafe_b64encode(number.bytes).rstrip(b"=").decode().replace("-", "_")


def _java(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=inherited())  # noqa: S603 - our own jars
    if done.returncode:
        raise StackError(f"{argv[-6]} failed:\n{done.stdout}{done.stderr}")


def _properties(layout: Layout) -> str:
    broker, controller = layout.port("kafka"), layout.port("kafka-controller")
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": layout.run / "kafka" / "data",
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 3,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "num.io.threads": 2,  # each looks for work three times a second
        "num.network.threads": 1,
        "metadata.max.idle.interval.ms": 0,  # no record twice a second where nothing happens: a third of its idle time
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRefs = console
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1} %m%n
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""
