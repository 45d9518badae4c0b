"""Runs hypothesis state machines whose steps are coroutines."""

import asyncio
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from servicekit.db import Database


def run_machine(
    machine: type[RuleBasedStateMachine], dbs: Iterable[Database], /, *, examples: int, steps: int, **given: Any
) -> None:
    """`given` and `runner`, the event loop of all steps, are attributes of the machine; `dbs` are closed on that loop."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        try:
            run_state_machine_as_test(
                type("Machine", (machine,), {"runner": runner, **given}),
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            for db in dbs:
                runner.run(db.close())
