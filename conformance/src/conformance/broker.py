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
        self._readers: dict[str, Reader] = {}

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
        """Reads what comes from now on; the same reader for the same topic."""
        if topic not in self._readers:
            self._readers[topic] = Reader(self._login, topic)
        return self._readers[topic]

    def close(self) -> None:
        self._producer.close(5)
        for each in self._readers.values():
            each.close()


class Reader:
    def __init__(self, login: dict[str, Any], topic: str) -> None:
        self._topic, self._found = topic, list[tuple[str, bytes]]()
        self._consumer = KafkaConsumer(**login, enable_auto_commit=False)
        self._consumer.assign([TopicPartition(topic, each) for each in self._consumer.partitions_for_topic(topic)])
        self._consumer.seek_to_end()
        for each in self._consumer.assignment():
            self._consumer.position(each)  # or it would look for the end when it is first asked

    def about(self, number: str, count: int, *, within: float = 40.0) -> list[tuple[str, Any]]:
        """(key, event) of all so far that name this number, oldest first, at least `count`. Raises Unmet when fewer come in
        time."""
        return [(key, json.loads(body)) for key, body in self.naming(number, count, within=within)]

    def naming(self, number: str, count: int, *, within: float = 40.0) -> list[tuple[str, bytes]]:
        """The same as they are, whatever they are."""
        deadline = time.monotonic() + within
        while True:
            found = [each for each in self._all() if number.encode() in each[1]]
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                raise Unmet(f"{self._topic}: {len(found)} of {count} events about {number} within {within:.0f} s")

    def _all(self) -> list[tuple[str, bytes]]:
        for records in self._consumer.poll(timeout_ms=100).values():
            self._found += [((each.key or b"").decode(errors="replace"), each.value) for each in records]
        return self._found

    def close(self) -> None:
        self._consumer.close()


def as_bytes(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()
