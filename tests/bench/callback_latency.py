"""`make bench`: how long from WeChat's callback to the order's wait-use, on the running system, with a floor beside it.

The floor is what the machine needs for the bare road in the same run: one durable commit and one event through Kafka,
with no service, no sidecar and no signature between. Figures in milliseconds; nothing is judged here.
"""

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.support.forgery import callback, transaction
from tests.support.stack import read_stack_env
from tests.support.system import System
from tests.support.waiting import eventually

FLOOR_TOPIC = "bench-floor"


def one_callback(system: System, http: httpx.Client) -> tuple[float, float]:
    """(ms until our 204, ms until the order is wait-use): a callback straight to the notify URL, as WeChat sends it."""
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]
    [payment] = system.rows("payment", "select total_fen from third_payment where sn = %s", number)
    headers, body = callback(system.environment, transaction(system.environment, number, payment["total_fen"]))
    sent_at = time.time()
    response = http.post(system.environment["WXPAY_NOTIFY_URL"], content=body, headers=headers)
    answered_at = time.time()
    assert response.status_code == 204, response.text
    [row] = eventually(
        lambda: system.rows(
            "order",
            "select t.created_at from order_transition t join homestay_order o on o.id = t.order_id"
            " where o.sn = %s and t.to_state = 1",
            order_sn,
        )
    )
    return (answered_at - sent_at) * 1000, (row["created_at"].timestamp() - sent_at) * 1000


def floor(environment: dict[str, str]) -> Callable[[], float]:
    """Answers a function: ms for one commit and one event to Kafka and back."""
    database = psycopg.connect(environment["PAYMENT_DATABASE_URL"].replace("+psycopg", ""))
    database.execute("create temporary table floor (id int)")
    database.commit()
    brokers = environment["KAFKA_BROKERS"].split(",")
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    with contextlib.suppress(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(FLOOR_TOPIC, num_partitions=1, replication_factor=1)])
    producer = KafkaProducer(bootstrap_servers=brokers, acks="all", linger_ms=0)
    consumer = KafkaConsumer(FLOOR_TOPIC, bootstrap_servers=brokers, auto_offset_reset="earliest")
    producer.send(FLOOR_TOPIC, b"first").get(10)
    next(consumer)

    def once() -> float:
        began = time.perf_counter()
        database.execute("insert into floor values (1)")
        database.commit()
        producer.send(FLOOR_TOPIC, b"x" * 500).get(10)
        next(consumer)
        return (time.perf_counter() - began) * 1000

    return once


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=30)
    arguments.add_argument("--stack-env", type=Path, default=Path(".run/stack.env"))
    chosen = arguments.parse_args()
    if not chosen.stack_env.exists():
        sys.exit(f"{chosen.stack_env} is not there: `make up` first")
    environment = read_stack_env(chosen.stack_env)
    system, bare = System(environment), floor(environment)
    answered, paid, floors = [], [], []
    with httpx.Client(timeout=20) as http:
        one_callback(system, http)  # the first one pays for every cold cache
        for _ in track(range(chosen.count), description="callbacks", console=Console(stderr=True)):
            first, second = one_callback(system, http)
            answered.append(first)
            paid.append(second)
            floors.append(bare())
    table = Table("", "min", "median", "p95", "max", title=f"{chosen.count} payments, one after the other (ms)")
    for name, values in (("our answer to WeChat", answered), ("callback → order wait-use", paid), ("floor", floors)):
        p95 = statistics.quantiles(values, n=20)[-1]
        table.add_row(name, *(f"{each:.1f}" for each in (min(values), statistics.median(values), p95, max(values))))
    Console().print(table)


if __name__ == "__main__":
    main()
