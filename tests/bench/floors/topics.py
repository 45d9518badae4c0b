"""Topics of the floors: the broker makes none by itself."""

import contextlib
from collections.abc import Mapping

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError


def brokers(environment: Mapping[str, str]) -> list[str]:
    return environment["KAFKA_BROKERS"].split(",")


def create_topic(environment: Mapping[str, str], name: str, *, partitions: int) -> None:
    """Does nothing when it exists."""
    admin = KafkaAdminClient(bootstrap_servers=brokers(environment))
    with contextlib.closing(admin), contextlib.suppress(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
