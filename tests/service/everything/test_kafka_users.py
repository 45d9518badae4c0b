"""A real Kafka as `make up` starts it: who has no password is refused, and a service does what the contract says."""

import gc
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from stack import kafka, kafka_admin, leftovers, ports
from stack.kafka_admin import Broker, Rights
from stack.layout import REPO, Layout
from stack.parts import Part
from stack.processes import Processes
from tests.support.ports import free_ports

CONTRACT = REPO / "contracts" / "asyncapi.yaml"
RIGHTS = kafka_admin.rights(CONTRACT)
TOPICS = kafka_admin.topics(CONTRACT)
REFUND_REQUESTS = "order-refund-requested-topic"
SECONDS = 30.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    run = Path(tempfile.mkdtemp(prefix="kafka-", dir=leftovers.session_folder() or leftovers.PLACE))
    first, second = free_ports(2)
    layout = Layout(repo=REPO, run=run, ports={"kafka": first, "kafka-controller": second})
    made = Broker(f"127.0.0.1:{first}", "secret-of-admin")
    processes = Processes(run)

    def why_not_ready() -> str | None:
        """Kafka's client would leave a connection open for each time that it asks in vain."""
        return "closed" if ports.free(first) else None

    part = Part("kafka", (("", first),), lambda: kafka.program(layout, made.password), why_not_ready)
    try:
        part.bring_up(processes, threading.Event())
        kafka_admin.create_topics(made, TOPICS)
        kafka_admin.grant(made, RIGHTS, {name: f"secret-of-{name}" for name in RIGHTS})
        with closing(KafkaProducer(**made.login(), acks="all")) as producer:
            for topic in TOPICS:
                producer.send(topic, b"{}").get(SECONDS)
        yield made
    finally:
        processes.stop(processes.recorded())
        shutil.rmtree(run, ignore_errors=True)


def login(broker: Broker, user: str, password: str = "") -> dict[str, Any]:
    return {
        "bootstrap_servers": broker.address,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": password or f"secret-of-{user}",
    }


def written(broker: Broker) -> int:
    """How many messages the topic of refund requests holds."""
    with closing(KafkaConsumer(**broker.login())) as consumer:
        parts = [TopicPartition(REFUND_REQUESTS, number) for number in range(TOPICS[REFUND_REQUESTS])]
        return sum(consumer.end_offsets(parts).values())


@pytest.mark.parametrize("user", sorted(RIGHTS))
def test_a_service_writes_to_the_topics_that_the_contract_has_it_send_to_and_to_no_other(broker, user):
    accepted = set()
    with closing(KafkaProducer(**login(broker, user), acks="all", retries=0)) as producer:
        for topic in TOPICS:
            try:
                producer.send(topic, b"{}").get(SECONDS)
            except TopicAuthorizationFailedError:
                continue
            accepted.add(topic)
    assert accepted == RIGHTS[user].publishes


@pytest.mark.parametrize("user", sorted(RIGHTS))
def test_a_service_may_read_the_topics_that_the_contract_has_it_receive_and_no_other(broker, user):
    with closing(KafkaAdminClient(**login(broker, user))) as admin:
        seen = {one["name"]: set(one["authorized_operations"]) for one in admin.describe_topics()}
    assert {topic for topic, allowed in seen.items() if "READ" in allowed} == RIGHTS[user].reads
    assert {topic for topic, allowed in seen.items() if "WRITE" in allowed} == RIGHTS[user].publishes
    assert {operation for allowed in seen.values() for operation in allowed} <= {"READ", "WRITE", "DESCRIBE"}


@pytest.mark.parametrize("user", sorted(RIGHTS))
def test_a_service_reads_in_the_group_of_its_name(broker, user):
    fetched, until = set(), time.monotonic() + SECONDS
    topics = sorted(RIGHTS[user].reads)
    with closing(
        KafkaConsumer(*topics, **login(broker, user), group_id=user, auto_offset_reset="earliest")
    ) as consumer:
        while fetched < RIGHTS[user].reads and time.monotonic() < until:
            fetched |= {part.topic for part in consumer.poll(1000)}
    assert fetched == RIGHTS[user].reads


def test_a_group_is_its_services_alone(broker):
    told = login(broker, "travel")
    with (
        closing(KafkaConsumer("order-nights-topic", **told, group_id="order")) as consumer,
        pytest.raises(GroupAuthorizationFailedError),
    ):
        consumer.poll(SECONDS * 1000)


@pytest.mark.parametrize(
    "told",
    [
        lambda broker: {"bootstrap_servers": broker.address},
        lambda broker: login(broker, "order", "a guess"),
        lambda broker: login(broker, "unknown", "a guess"),
        lambda broker: login(broker, "order") | {"sasl_mechanism": "PLAIN"},
    ],
    ids=["no password", "a wrong password", "an unknown user", "a service by PLAIN"],
)
def test_who_does_not_show_a_password_writes_nothing(broker, told):
    """The client tells a refusal as it tells a broker that is down; with the right password the same call writes."""
    before = written(broker)
    assert "Unable to bootstrap" in refusal(told(broker))
    assert written(broker) == before

    with closing(KafkaProducer(**login(broker, "order"), bootstrap_timeout_ms=10_000)) as producer:
        producer.send(REFUND_REQUESTS, b"{}").get(SECONDS)
    assert written(broker) == before + 1


def refusal(told: dict[str, Any]) -> str:
    """What a producer that is told so says; it forgets to close a connection that was refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            KafkaProducer(**told, bootstrap_timeout_ms=3000).send(REFUND_REQUESTS, b"{}").get(SECONDS)
        except KafkaError as error:
            said = str(error)
        else:
            said = "written"
        gc.collect()
    return said


def test_what_another_contract_gave_is_taken(broker):
    passwords = {name: f"secret-of-{name}" for name in RIGHTS}
    more = {**RIGHTS, "travel": Rights(RIGHTS["travel"].publishes | {REFUND_REQUESTS}, RIGHTS["travel"].reads)}
    with closing(KafkaProducer(**login(broker, "travel"), acks="all", retries=0)) as producer:
        kafka_admin.grant(broker, more, passwords)
        producer.send(REFUND_REQUESTS, b"{}").get(SECONDS)
        before = written(broker)
        kafka_admin.grant(broker, RIGHTS, passwords)
        with pytest.raises(TopicAuthorizationFailedError):
            producer.send(REFUND_REQUESTS, b"{}").get(SECONDS)
    assert written(broker) == before
