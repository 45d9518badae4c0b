"""One Kafka node in KRaft mode with its own data folder: it asks every client who it is (decision 0034)."""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from stack.environment import inherited
from stack.errors import StackError
from stack.kafka_admin import ADMIN
from stack.layout import Layout
from stack.processes import Program
from stack.setup import kafka_classes
from stack.vault import write_private

HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
ONE_NODE: Mapping[str, object] = {
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
AUTHENTICATED = "org.apache.kafka.common.security"


def program(layout: Layout, admin_password: str) -> Program:
    folder = layout.run / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    write_private(properties, written(_properties(layout) | authentication(admin_password)))
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


def _properties(layout: Layout) -> dict[str, object]:
    broker, controller = layout.port("kafka"), layout.port("kafka-controller")
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"CLIENTS://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{broker}",
        "log.dirs": layout.run / "kafka" / "data",
        **ONE_NODE,
    }


def authentication(admin_password: str) -> dict[str, object]:
    """Services show their password by SCRAM, which never sends it. PLAIN knows ADMIN alone, who comes from this very host:
    the broker itself, and who makes the services' users and rights (stack.kafka_admin) once it runs."""
    plain = (
        f"{AUTHENTICATED}.plain.PlainLoginModule required"
        f' username="{ADMIN}" password="{admin_password}" user_{ADMIN}="{admin_password}";'
    )
    return {
        "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "inter.broker.listener.name": "CLIENTS",
        "controller.listener.names": "CONTROLLER",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.clients.sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "listener.name.clients.scram-sha-512.sasl.jaas.config": f"{AUTHENTICATED}.scram.ScramLoginModule required;",
        "listener.name.clients.plain.sasl.jaas.config": plain,
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": plain,
        # What no rule allows is refused.
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
    }


def written(values: Mapping[str, object]) -> str:
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
