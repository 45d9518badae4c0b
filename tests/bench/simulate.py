"""`make simulate`: how many payments a second a layout of machines settles, and how long one takes, from measured times.

A discrete-event simulation. A payment passes the STATIONS in order. A station has lanes (processes, partitions, connections
that commit one batch at a time); a lane takes all that waits for it, at most BATCH, as soon as its host has a core free.
Sharded layouts are simulated for one shard and multiplied: shards share nothing. Standard library only.
"""

import argparse
import heapq
import itertools
import random
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import figures

TIMES = {"payment": 0.25, "postgres, payment": 0.20, "payment-daprd": 0.08, "kafka": 0.05}
TIMES |= {"order-daprd": 0.07, "order": 0.13, "postgres, order": 0.20}
"""Milliseconds of a core for one payment, where no figures are given: the prototypes', rounded up."""
STATIONS = tuple(TIMES)
COMMIT_MS = {"postgres, payment": 0.3, "postgres, order": 0.3, "kafka": 0.3}  # a durable write for a batch, on no core
BATCH = 200
HEAD = f"\n\n| layout | payments/s | busiest | p50 / p99 at half, ms | p50 / p99 at 90 %, ms |\n{'| --- ' * 5}|\n"


@dataclass(frozen=True)
class Plan:  # cores of each host; of each station its host and its lanes; `shards` such systems side by side
    name: str
    cores: Mapping[str, int]
    hosts: Mapping[str, str]
    lanes: Mapping[str, int]
    shards: int = 1


def _plan(name: str, replicas: int, partitions: int, database_cores: int, shards: int = 1) -> Plan:
    """Every station on hosts of its own; PostgreSQL of each service commits on up to as many connections as callers."""
    counts = (replicas, replicas, 2 * replicas, partitions, partitions, replicas, min(partitions, 2 * replicas))
    lanes = dict(zip(STATIONS, counts, strict=True))
    cores = lanes | dict.fromkeys(("postgres, payment", "postgres, order"), database_cores)
    return Plan(name, cores, {station: station for station in STATIONS}, lanes, shards)


LAPTOP = dict(zip(STATIONS, (1, 1, 2, 2, 6, 1, 2), strict=True))
PLANS = (
    Plan("all on one machine of 2 cores", {"machine": 2}, dict.fromkeys(STATIONS, "machine"), LAPTOP),
    _plan("one replica, 6 partitions, each part on its own host", 1, 6, 2),
    _plan("one replica, 1 partition", 1, 1, 2),
    _plan("4 replicas, 24 partitions, databases of 8 cores", 4, 24, 8),
    _plan("8 replicas, 48 partitions, databases of 16 cores", 8, 48, 16),
    _plan("the same 100 times, sharded by order", 8, 48, 16, shards=100),
)


@dataclass
class Lane:
    station: int
    waiting: deque[int] = field(default_factory=deque)
    is_busy: bool = False


class Simulation:
    def __init__(self, plan: Plan, times: Mapping[str, float]) -> None:
        self._plan, self._times = plan, times
        self._lanes = [[Lane(place) for _ in range(plan.lanes[name])] for place, name in enumerate(STATIONS)]
        self._free, self._ready = dict(plan.cores), {host: deque[Lane]() for host in plan.cores}
        self._events: list[tuple[float, int, str, Lane, list[int]]] = []
        self._number, self.now, self.ended = 0, 0.0, dict[int, float]()

    def run(self, arrivals: list[float]) -> dict[int, float]:
        """Arrivals in ms, ascending → when each was through, by its place among them."""
        for item, at in enumerate(arrivals):
            self._later(at, "arrives", self._lanes[0][item % len(self._lanes[0])], [item])
        while self._events:
            self.now, _, what, lane, batch = heapq.heappop(self._events)
            if what == "arrives":
                lane.waiting += batch
            elif what == "computed":
                host = self._plan.hosts[STATIONS[lane.station]]
                self._free[host] += 1
                self._later(self.now + COMMIT_MS.get(STATIONS[lane.station], 0.0), "written", lane, batch)
                self._serve(host)
            else:
                lane.is_busy = False
                self._move_on(lane, batch)
            self._begin(lane)
        return self.ended

    def _move_on(self, lane: Lane, batch: list[int]) -> None:
        if lane.station + 1 == len(STATIONS):
            self.ended |= dict.fromkeys(batch, self.now)
            return
        following = self._lanes[lane.station + 1]
        for item in batch:
            following[item % len(following)].waiting.append(item)
        for each in {item % len(following) for item in batch}:
            self._begin(following[each])

    def _begin(self, lane: Lane) -> None:
        if lane.is_busy or not lane.waiting:
            return
        lane.is_busy = True
        host = self._plan.hosts[STATIONS[lane.station]]
        self._ready[host].append(lane)
        self._serve(host)

    def _serve(self, host: str) -> None:
        while self._free[host] and self._ready[host]:
            self._free[host] -= 1
            lane = self._ready[host].popleft()
            batch = [lane.waiting.popleft() for _ in range(min(BATCH, len(lane.waiting)))]
            self._later(self.now + len(batch) * self._times[STATIONS[lane.station]], "computed", lane, batch)

    def _later(self, at: float, what: str, lane: Lane, batch: list[int]) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, what, lane, batch))


def latencies(plan: Plan, times: Mapping[str, float], rate: float, count: int) -> str:
    """p50 and p99 in ms of one shard under Poisson arrivals of `rate` a second."""
    chance = random.Random(7)  # noqa: S311 - a simulation, the same in every run
    arrivals = list(itertools.accumulate(chance.expovariate(rate / 1000) for _ in range(count)))
    ended = Simulation(plan, times).run(arrivals)
    took = sorted(ended[item] - began for item, began in enumerate(arrivals))
    return f"{took[count // 2]:.1f} / {took[count * 99 // 100]:.1f}"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    arguments.add_argument("--figures", type=Path, help="what make bench --json wrote; default: the prototypes' times")
    arguments.add_argument("--count", type=int, default=20_000, help="payments in each run")
    chosen, times = arguments.parse_args(), TIMES
    if chosen.figures:
        rows, _ = figures.of_json(chosen.figures.read_text(encoding="utf-8"))
        times = dict(next(row.by_part for row in rows if row.name == "processor time of a payment"))
    sys.stdout.write("ms of a core: " + ", ".join(f"{name} {times[name]:.2f}" for name in STATIONS) + HEAD)
    for plan in PLANS:
        peak = (
            chosen.count / max(Simulation(plan, times).run([0.0] * chosen.count).values()) * 1000
        )  # all there at once
        half, high = (latencies(plan, times, peak * share, chosen.count) for share in (0.5, 0.9))
        busy = {name: times[name] / min(plan.lanes[name], plan.cores[plan.hosts[name]]) for name in STATIONS}
        busiest = "the machine" if len(plan.cores) == 1 else max(busy, key=lambda name: busy[name])
        sys.stdout.write(f"| {plan.name} | {peak * plan.shards:,.0f} | {busiest} | {half} | {high} |\n")


if __name__ == "__main__":
    main()
