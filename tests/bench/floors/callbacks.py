"""What the bare callback app does with the same load on the same tables: rate and processor time, its database included."""

import os
import sys
import tempfile
from pathlib import Path

from stack import children
from tests.bench import client, parts, seeding
from tests.bench.floors.sidecars import Floor, wait_for
from tests.bench.signing import signed
from tests.support.ports import free_port
from tests.support.system import System


def callback_floor(system: System, count: int, connections: int) -> Floor:
    """Seed, settle with the bare app, count what it took. Nothing of it is published."""
    run, port = Path(system.environment["RUN_DIR"]), free_port()
    orders = seeding.waiting_payments(system, count)
    requests = signed(system.environment, orders)
    argv = [sys.executable, "-m", "tests.bench.floors.callback_app", str(port)]
    env = {**os.environ, **system.environment}
    with tempfile.NamedTemporaryFile() as log, children.child(argv, env=env, stdout=log, stderr=log) as app:
        wait_for(f"http://127.0.0.1:{port}/", Path(log.name), any_answer=True)
        before = _database_seconds(run) + parts.of_process(app.pid)
        answers = client.send(f"http://127.0.0.1:{port}", requests, connections=connections)
        used = _database_seconds(run) + parts.of_process(app.pid) - before
    if answers.succeeded() != count:
        sys.exit(f"the floor settled {answers.succeeded()} of {count}: {dict(answers.statuses)}")
    return Floor(answers.per_second, used * 1000 / count)


def _database_seconds(run: Path) -> float:
    return sum(seconds for part, seconds in parts.processor_seconds(run).items() if part.startswith("postgres"))
