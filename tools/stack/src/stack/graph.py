"""Runs a dependency graph of steps in threads; the first failure stops the rest."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Protocol


@dataclass(frozen=True)
class Step:
    name: str
    action: Callable[[threading.Event], None]
    needs: tuple[str, ...] = ()


class Watcher(Protocol):
    def waiting_for(self, names: list[str], elapsed: float) -> None: ...

    def done(self, name: str, took: float) -> None: ...


TICK = 0.2


def run(steps: Iterable[Step], watcher: Watcher) -> None:
    """Actions get an event that tells them to give up. Raises the first failure, after the rest has given up."""
    known = {step.name: step for step in steps}
    order = TopologicalSorter({step.name: [need for need in step.needs if need in known] for step in known.values()})
    order.prepare()
    give_up = threading.Event()
    ended: queue.Queue[tuple[str, BaseException | None]] = queue.Queue()
    began: dict[str, float] = {}
    threads = []
    start = time.monotonic()

    def work(step: Step) -> None:
        try:
            step.action(give_up)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            ended.put((step.name, error))
        else:
            ended.put((step.name, None))

    try:
        while order.is_active():
            for name in order.get_ready():
                began[name] = time.monotonic()
                threads.append(threading.Thread(target=work, args=(known[name],), name=name, daemon=True))
                threads[-1].start()
            try:
                name, error = ended.get(timeout=TICK)
            except queue.Empty:
                watcher.waiting_for(list(began), time.monotonic() - start)
                continue
            if error is not None:
                raise error
            watcher.done(name, time.monotonic() - began.pop(name))
            order.done(name)
    finally:
        give_up.set()
        for thread in threads:
            thread.join(timeout=5)
