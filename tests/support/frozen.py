"""A part of the running system that hangs."""

import os
import signal
from pathlib import Path

import psutil

from tests.support.system import System


class Frozen:
    """While it is entered, the processes of the part `name` are stopped by SIGSTOP: they keep their connections and
    respond to nothing, the worst kind of outage."""

    def __init__(self, system: System, name: str) -> None:
        pid = int((Path(system.environment["RUN_DIR"]) / "pids" / f"{name}.pid").read_text())
        root = psutil.Process(pid)
        self._processes = [root, *root.children(recursive=True)]

    def __enter__(self) -> None:
        for process in self._processes:
            os.kill(process.pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            os.kill(process.pid, signal.SIGCONT)
