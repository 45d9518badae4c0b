"""How many callbacks are accepted and orders paid a second, and the processor time of each part for one payment.

Orders and payments are seeded, callbacks signed beforehand; everything else is the running system.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from tests.bench import load, parts, seeding
from tests.support.forgery import callback, transaction
from tests.support.stack import read_stack_env
from tests.support.system import System

DRAIN_SECONDS = 300.0


@dataclass(frozen=True)
class Measured:
    """`by_part` is processor time in ms for one payment, from the first callback until the last order was paid."""

    count: int
    accepted_per_second: float
    paid_per_second: float
    client: Mapping[str, Any]
    by_part: Mapping[str, float]


def signed(environment: Mapping[str, str], url: str, payments: list[tuple[str, int]]) -> list[bytes]:
    where = urlsplit(url)
    requests = []
    for number, total_fen in payments:
        headers, body = callback(environment, transaction(environment, number, total_fen))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        first = f"POST {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {len(body)}\r\n"
        requests.append((first + head + "\r\n").encode() + body)
    return requests


def measure(environment: Mapping[str, str], url: str, *, count: int, connections: int, rate: float = 0.0) -> Measured:
    system, run = System(environment), Path(environment["RUN_DIR"])
    payments = seeding.waiting_payments(system, count)
    slices = [payments[place::2] for place in range(2)]
    with ProcessPoolExecutor(2) as pool:
        signed_ones = [pool.submit(signed, dict(environment), url, each) for each in slices]
        requests = [request for each in signed_ones for request in each.result()]
    where = urlsplit(url)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requests"
        load.write_requests(file, requests)
        before, began = parts.processor_seconds(run), time.monotonic()
        argv = [sys.executable, "-m", "tests.bench.load", file, where.hostname, where.port, connections, rate]
        done = subprocess.run([str(each) for each in argv], capture_output=True, text=True, check=True)
    client = json.loads(done.stdout)
    _drain(system, payments)
    took = time.monotonic() - began
    used = parts.spent(before, parts.processor_seconds(run))
    system.close()
    by_part = {part: seconds * 1000 / count for part, seconds in used.items()}
    return Measured(count, client["answers"] / client["seconds"], count / took, client, by_part)


def _drain(system: System, payments: list[tuple[str, int]]) -> None:
    until = time.monotonic() + DRAIN_SECONDS
    while (paid := seeding.paid_orders(system, payments)) < len(payments):
        if time.monotonic() > until:
            sys.exit(f"{len(payments) - paid} of {len(payments)} orders were not paid within {DRAIN_SECONDS:.0f} s")
        time.sleep(0.05)


def show(measured: Measured) -> None:
    console = Console()
    client = measured.client
    console.print(
        f"{measured.count} payments: {measured.accepted_per_second:.0f} accepted/s, {measured.paid_per_second:.0f} paid/s;"
        f" answers {client['statuses']}, p50 {client['p50_ms']} ms, p99 {client['p99_ms']} ms"
    )
    table = Table("part", "ms", title="processor time for one payment", box=None)
    for part, ms in measured.by_part.items():
        if ms >= 0.005:
            table.add_row(part, f"{ms:.2f}")
    table.add_row("all parts", f"{sum(measured.by_part.values()):.2f}", end_section=True)
    table.add_row("load client", f"{client['processor_seconds'] * 1000 / measured.count:.2f}")
    console.print(table)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=4000)
    arguments.add_argument("--connections", type=int, default=32)
    arguments.add_argument(
        "--rate", type=float, default=0.0, help="callbacks a second; 0: as fast as they are answered"
    )
    arguments.add_argument("--to", choices=["notify-url", "payment"], default="payment")
    arguments.add_argument("--stack-env", type=Path, default=Path(".run/stack.env"))
    chosen = arguments.parse_args()
    environment = read_stack_env(chosen.stack_env)
    url = environment["WXPAY_NOTIFY_URL"]
    if chosen.to == "payment":
        url = environment["PAYMENT_URL"] + urlsplit(url).path
    show(measure(environment, url, count=chosen.count, connections=chosen.connections, rate=chosen.rate))


if __name__ == "__main__":
    main()
