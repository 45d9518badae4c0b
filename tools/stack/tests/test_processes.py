"""Processes are started detached, named when they die, and stopped only when they are ours."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from stack import graph, ports, system
from stack.errors import PartDied, StackError
from stack.parts import Part
from stack.processes import Processes, Program


def program(name: str, code: str, **more: object) -> Program:
    base = Program(name, [sys.executable, "-c", code], dict(os.environ), Path("/"))
    return replace(base, **more)  # type: ignore[arg-type]  # the fields of a Program, by name


SLEEPS = "import time; print('awake', flush=True); time.sleep(60)"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    made.stop(made.recorded())


def test_a_started_process_has_a_pid_file_a_log_and_a_session_of_its_own(processes: Processes, tmp_path: Path) -> None:
    record = processes.start(program("sleeper", SLEEPS))
    assert (tmp_path / "pids" / "sleeper.pid").read_text() == f"{record.pid}\n"
    assert os.getsid(record.pid) == record.pid
    assert processes.alive("sleeper") == record


def test_logs_and_records_are_their_owners_alone(processes: Processes, tmp_path: Path) -> None:
    processes.start(program("sleeper", SLEEPS))
    with system.exclusive(tmp_path):
        assert tmp_path.stat().st_mode & 0o066 == 0
    assert (tmp_path / "logs" / "sleeper.log").stat().st_mode & 0o777 == 0o600
    for folder in ("logs", "pids", "state/processes"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_a_run_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "logs").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "logs").chmod(0o755)
    with system.exclusive(folder):
        Processes(folder)
    assert folder.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)  # root's PostgreSQL passes through
    assert (folder / "logs").stat().st_mode & 0o777 == 0o700


def test_a_nice_process_is_nice_as_a_session_too(processes: Processes) -> None:
    record = processes.start(program("sleeper", SLEEPS, nice=10))
    assert psutil.Process(record.pid).nice() == 10
    group = Path(f"/proc/{record.pid}/autogroup")
    assert not group.exists() or group.read_text().split("nice")[-1].strip() in {"10", ""}


def test_stopping_leaves_nothing_behind(processes: Processes, tmp_path: Path) -> None:
    record = processes.start(program("sleeper", SLEEPS))
    assert processes.stop([record]) == []
    assert not psutil.pid_exists(record.pid)
    assert list((tmp_path / "pids").iterdir()) == []
    assert processes.recorded() == []


def test_a_process_that_ignores_the_signal_is_killed_and_named(processes: Processes) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPS
    record = processes.start(program("stubborn", stubborn, stop_within=0.3))
    while "awake" not in processes.tail("stubborn"):
        pass
    assert processes.stop([record]) == ["stubborn"]
    assert not psutil.pid_exists(record.pid)


def test_a_pid_that_now_belongs_to_another_process_is_never_touched(processes: Processes, tmp_path: Path) -> None:
    record = processes.start(program("sleeper", SLEEPS))
    older = replace(record, name="old", born_at=record.born_at - 1000)
    (tmp_path / "state" / "processes" / "old.json").write_text(json.dumps(asdict(older)))
    assert processes.alive("old") is None
    processes.stop([older])
    assert processes.alive("sleeper") == record


def test_a_process_that_dies_is_named_with_its_last_lines(processes: Processes) -> None:
    processes.start(program("brief", "print('no such table'); raise SystemExit(3)"))
    while processes.alive("brief"):
        pass
    with pytest.raises(PartDied) as died:
        processes.must_live("brief")
    assert str(died.value) == "brief ended with exit code 3; its last lines:\n    no such table"


def test_a_part_that_dies_on_the_way_up_is_an_error_at_once(processes: Processes) -> None:
    part = Part("brief", (("", 1),), lambda: program("brief", "raise SystemExit(4)"), lambda: "not there")
    with pytest.raises(PartDied, match="brief ended with exit code 4"):
        part.bring_up(processes, threading.Event())


def test_a_part_that_runs_is_not_started_again(processes: Processes) -> None:
    part = Part("sleeper", (("", 1),), lambda: program("sleeper", SLEEPS), lambda: None)
    part.bring_up(processes, threading.Event())
    first = processes.alive("sleeper")
    part.bring_up(processes, threading.Event())
    assert processes.alive("sleeper") == first


def test_a_taken_port_names_port_part_and_holder() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(StackError) as refused:
            ports.require_free({"kafka": [("controller", port)]})
    assert f"port {port} for kafka (controller) is held by pid {os.getpid()}" in str(refused.value)


class Silent:
    def waiting_for(self, names: list[str], elapsed: float) -> None: ...

    def done(self, name: str, took: float) -> None: ...


def test_steps_run_after_what_they_need_and_a_need_that_is_not_there_is_no_hindrance() -> None:
    order: list[str] = []
    steps = [
        graph.Step("c", lambda _: order.append("c"), ("b",)),
        graph.Step("b", lambda _: order.append("b"), ("a", "done long ago")),
        graph.Step("a", lambda _: order.append("a")),
    ]
    graph.run(steps, Silent())
    assert order == ["a", "b", "c"]


def test_the_first_failure_stops_the_rest() -> None:
    gave_up = threading.Event()

    def waits(give_up: threading.Event) -> None:
        give_up.wait(10)
        gave_up.set()

    def fails(_: threading.Event) -> None:
        raise StackError("kafka ended")

    with pytest.raises(StackError, match="kafka ended"):
        graph.run([graph.Step("a", waits), graph.Step("b", fails), graph.Step("c", waits, ("b",))], Silent())
    assert gave_up.is_set()


def test_the_stop_signal_is_the_parts_own(processes: Processes) -> None:
    polite = "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit()); " + SLEEPS
    record = processes.start(program("polite", polite, stop_signal=signal.SIGINT, stop_within=10.0))
    while "awake" not in processes.tail("polite"):
        pass
    assert processes.stop([record]) == []
