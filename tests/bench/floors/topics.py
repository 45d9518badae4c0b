"""Topics of the floors: the broker makes none by itself."""

import contextlib
from collections.abc import Mapping

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from stack.kafka_admin import Broker


def broker(environment: Mapping[str, str]) -> Broker:
    return Broker(environment["KAFKA_BROKERS"], environment["KAFKA_ADMIN_PASSWORD"])


def create_topic(environment: Mapping[str, str], name: str, *, partitions: int) -> None:
    """Does nothing when it exists."""
    admin = KafkaAdminClient(**broker(environment).login())
    with contextlib.closing(admin), contextlib.suppress(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
