"""`make bench-lost`: the callback is lost and the page is open. How long from the payment in the cashier until it knows?

Each buyer pays, WeChat's notification is never sent, and the page asks as the storefront's waiting page does (its intervals
are read from there). Two moments, in seconds: the payment's status says paid, and the order does. Nothing is judged here.
"""

import argparse
import re
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.support.rooms import SEEDED
from tests.support.stack import read_stack_env
from tests.support.system import System

WAITING_PAGE = Path(__file__).parents[2] / "apps/gateway/src/gateway/static/js/waiting.js"
MOST_SECONDS = 60


def pauses() -> Iterator[float]:
    """The waiting page's, in seconds."""
    text = WAITING_PAGE.read_text(encoding="utf-8")
    numbers = {name: float(value) for name, value in re.findall(r"const (\w+) = ([\d.]+);", text)}
    pause = numbers["FIRST_MS"]
    while True:
        pause = min(pause * numbers["GROWTH"], numbers["LONGEST_MS"])
        yield pause / 1000


def one_purchase(system: System, dwells: float) -> tuple[float, float]:
    """(seconds until the status says paid, until the order does), from the payment on. The buyer is `dwells` seconds in the
    cashier before."""
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]
    answer = system.wechat.post("/_sim/faults/set", json={"name": "callback-lost", "match": number, "times": 1})
    assert answer.is_success, answer.text
    time.sleep(dwells)
    system.tap_pay(number)
    paid_at, known_at = time.monotonic(), 0.0
    for pause in pauses():
        if system.order(order_sn)["tradeState"] == 1:
            return known_at or time.monotonic() - paid_at, time.monotonic() - paid_at
        if not known_at and system.status(order_sn)["payStatus"] == 1:
            known_at = time.monotonic() - paid_at
        if time.monotonic() - paid_at > MOST_SECONDS:
            sys.exit(f"{order_sn} was not known to be paid after {MOST_SECONDS} s")
        time.sleep(0.4 if known_at else pause)
    raise AssertionError("unreachable: the pauses have no end")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=200)
    arguments.add_argument("--at-once", type=int, default=4)
    arguments.add_argument("--dwells", type=float, default=3.0, help="seconds from the prepay to the payment")
    arguments.add_argument("--stack-env", type=Path, default=Path(".run/stack.env"))
    chosen = arguments.parse_args()
    if not chosen.stack_env.exists():
        sys.exit(f"{chosen.stack_env} is not there: `make up` first")
    environment = read_stack_env(chosen.stack_env)
    mine = threading.local()

    def purchase(_: int) -> tuple[float, float]:
        if not hasattr(mine, "system"):
            mine.system = System(environment, homestay=SEEDED)
        return one_purchase(mine.system, chosen.dwells)

    purchase(0)  # the first one pays for every cold cache
    with ThreadPoolExecutor(chosen.at_once) as pool:
        done = pool.map(purchase, range(chosen.count))
        figures = list(track(done, total=chosen.count, description="purchases", console=Console(stderr=True)))
    title = f"{chosen.count} purchases, {chosen.at_once} at once, paid {chosen.dwells:g} s after the prepay (s)"
    table = Table("", "min", "median", "p95", "p99", "max", title=title)
    for name, values in zip(("the status says paid", "the order is paid"), zip(*figures, strict=True), strict=True):
        cuts = statistics.quantiles(values, n=100)
        row = (min(values), statistics.median(values), cuts[94], cuts[98], max(values))
        table.add_row(name, *(f"{each:.2f}" for each in row))
    Console().print(table)


if __name__ == "__main__":
    main()
