"""The bare road of one payment: one durable commit and one event through Kafka and back, no service between."""

import time
from collections.abc import Mapping

import psycopg
from kafka import KafkaConsumer, KafkaProducer

from tests.bench.floors.topics import broker, create_topic

TOPIC = "bench-trip"


def trip_floor(environment: Mapping[str, str], count: int) -> list[float]:
    """Milliseconds of `count` trips, one after the other, the shortest first."""
    database = psycopg.connect(environment["PAYMENT_DATABASE_URL"].replace("+psycopg", ""))
    database.execute("create temporary table floor (id int)")
    database.commit()
    create_topic(environment, TOPIC, partitions=1)
    producer = KafkaProducer(**broker(environment).login(), acks="all", linger_ms=0)
    consumer = KafkaConsumer(TOPIC, **broker(environment).login(), auto_offset_reset="latest")
    consumer.poll(1000)
    took = []
    for _ in range(count):
        began = time.perf_counter()
        database.execute("insert into floor values (1)")
        database.commit()
        producer.send(TOPIC, b"x" * 500).get(10)
        next(consumer)
        took.append((time.perf_counter() - began) * 1000)
    producer.close()
    consumer.close()
    database.close()
    return sorted(took)
