"""A running system whose every part can be killed, for the tests of this folder alone."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import leftovers
from tests.chaos.machine import TOLD, Machine
from tests.support.stack import free_offset


@pytest.fixture(scope="package")
def machine() -> Iterator[Machine]:
    """`MINSU_CHAOS_RUN_DIR` keeps its folder, to look into a failure."""
    kept = os.environ.get("MINSU_CHAOS_RUN_DIR")
    folder = Path(kept or tempfile.mkdtemp(prefix="chaos-", dir=leftovers.session_folder()))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    running = Machine(folder, free_offset(), TOLD)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        if not kept:
            running.erase()
