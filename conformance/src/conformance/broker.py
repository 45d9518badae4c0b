"""Kafka as a peer's sidecar and an operator meet it: events go in by their key, dead letters are read back."""

import json
import time
from collections.abc import Iterable
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from conformance.expecting import Unmet
from stack.kafka_admin import Broker

LINGER_MS = 5


class Bus:
    """Publishes to any topic, and reads all that any topic has received since `mark`."""

    def __init__(self, broker: Broker) -> None:
        self._login = broker.login()
        self._producer = KafkaProducer(**self._login, linger_ms=LINGER_MS, acks="all")

    def publish(self, topic: str, key: str, *bodies: bytes) -> None:
        """In one partition, in this order; returns when Kafka has them."""
        sent = [self._producer.send(topic, key=key.encode(), value=body) for body in bodies]
        self._producer.flush(10)
        for each in sent:
            each.get(10)

    def publish_events(self, topic: str, events: Iterable[dict[str, Any]]) -> None:
        """CloudEvents, each under its subject as key."""
        sent = [self._producer.send(topic, key=each["subject"].encode(), value=as_bytes(each)) for each in events]
        self._producer.flush(10)
        for each in sent:
            each.get(10)

    def reader(self, topic: str) -> "Reader":
        """Reads what comes from now on."""
        return Reader(self._login, topic)

    def close(self) -> None:
        self._producer.close(5)


class Reader:
    def __init__(self, login: dict[str, Any], topic: str) -> None:
        self._topic, self._found = topic, list[tuple[str, bytes]]()
        self._consumer = KafkaConsumer(**login, enable_auto_commit=False)
        self._consumer.assign([TopicPartition(topic, each) for each in self._consumer.partitions_for_topic(topic)])
        self._consumer.seek_to_end()
        for each in self._consumer.assignment():
            self._consumer.position(each)  # or it would look for the end when it is first asked

    def read(self, count: int, *, within: float = 20.0) -> list[tuple[str, bytes]]:
        """(key, body) of all so far, at least `count`. Raises Unmet when fewer come in time."""
        deadline = time.monotonic() + within
        while True:
            for records in self._consumer.poll(timeout_ms=100).values():
                self._found += [((each.key or b"").decode(errors="replace"), each.value) for each in records]
            if len(self._found) >= count:
                return self._found
            if time.monotonic() > deadline:
                raise Unmet(f"{self._topic}: {len(self._found)} of {count} messages within {within:.0f} s")

    def close(self) -> None:
        self._consumer.close()


def as_bytes(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()
