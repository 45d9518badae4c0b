"""`make bench`: what Minsu does a second on this machine, with the floor of the same run beside it.

Everything runs on the real system (six services, sidecars, Kafka, PostgreSQL, sandbox) that stack.env names. Figures
differ between machines; ratios to the floor hardly do.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from stack import signals
from tests.bench import (
    at_rest,
    bill,
    crowd,
    figures,
    front_door,
    machine,
    markdown,
    messages,
    payments,
    rows,
    soak,
    tracing,
)
from tests.bench.figures import Figure
from tests.bench.floors.sidecars import Sidecars, noop_sidecars
from tests.support.rooms import SEEDED
from tests.support.stack import read_stack_env
from tests.support.system import System

Scenario = Callable[[System, Sidecars, float], list[Figure]]
"""Takes the system, the no-op sidecars and a factor for how much is done; returns its figures."""

SCENARIOS: Mapping[str, Scenario] = {
    "idle": lambda system, _, size: at_rest.idle(system, 60 * size),
    "callbacks": lambda system, sidecars, size: payments.callbacks(system, sidecars, int(8000 * size)),
    "latency": lambda system, _, size: payments.latency(system, int(1000 * size)),
    "overload": lambda system, _, size: payments.overload(system, int(4000 * size)),
    "orders": lambda system, sidecars, size: front_door.orders_created(system, sidecars, int(1500 * size)),
    "prepays": lambda system, sidecars, size: front_door.prepays(system, sidecars, int(1000 * size)),
    "reads": lambda system, sidecars, size: front_door.reads(system, sidecars, 10 * size),
    "messages": lambda system, _, size: messages.messages(system, int(2000 * size)),
    "bill": lambda system, _, size: bill.reconciling(system, int(1_000_000 * size)),
    "sustained": lambda system, _, size: payments.sustained(system, int(4000 * size), 60 * size),
    "crowd": lambda system, _, size: crowd.crowd(system, int(10_000 * size)),
    "rates": lambda system, _, size: payments.rates(system, int(4000 * size), 15 * size),
    "soak": lambda system, _, size: soak.soak(system, 600 * size),
    "rows": lambda system, _, size: rows.rows(system, int(10_000_000 * size)),
    "tracing": lambda system, _, size: tracing.tracing(system, int(4000 * size)),
    "up": lambda system, _, __: at_rest.starting(system),
}
BY_NAME_ONLY = frozenset({"bill", "crowd", "rates", "rows", "soak", "sustained", "tracing", "up"})
"""Run when they are asked for by name alone: they take minutes, stop the system or fill its tables."""


def main() -> None:
    signals.interrupt()  # by SIGTERM too the sidecars of the floors end, which would take the next run's events
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--only", default="", help=f"some of them, with commas between: {', '.join(SCENARIOS)}")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--size", type=float, default=1.0, help="how much each does; 0.1 is a quick look")
    arguments.add_argument("--json", type=Path, help="write the figures here as well")
    arguments.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    arguments.add_argument("--stack-env", type=Path, default=Path(".run/stack.env"))
    chosen = arguments.parse_args()
    names = [name for name in chosen.only.split(",") if name] or [n for n in SCENARIOS if n not in BY_NAME_ONLY]
    if unknown := set(names) - set(SCENARIOS):
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    if not chosen.stack_env.exists():
        sys.exit(f"{chosen.stack_env} is not there: `make up` first")
    environment = read_stack_env(chosen.stack_env)
    system, found, progress = System(environment, homestay=SEEDED), list[Figure](), Console(stderr=True)
    speed = machine.speed()
    messages.purchase(system)  # the first one pays for every cold cache
    with noop_sidecars(environment) as sidecars:
        for run in range(chosen.runs):
            for name in names:
                if not at_rest.wait_for_rest(system):
                    progress.print("the system is not at rest: it still works for what was measured before")
                progress.print(f"run {run + 1} of {chosen.runs}: {name} …", style="dim")
                found += SCENARIOS[name](system, sidecars, chosen.size)
    system.close()
    table = figures.rows_of(found)
    if chosen.json:
        chosen.json.write_text(figures.as_json(table, speed) + "\n", encoding="utf-8")
    if chosen.markdown:
        sys.stdout.write(markdown.render(table, speed))
        return
    console = Console()
    console.print("this machine: " + ", ".join(f"{name} {value:,.2f}" for name, value in speed.items()))
    figures.show(table, console)


if __name__ == "__main__":
    main()
