"""A test run for others to end: tests/integration/test_ended_from_outside.py starts it in a process of its own."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from stack import leftovers
from tests.support.postgres import PostgresServer

HELD = "MINSU_HELD_OPEN"
"""Names the file that gets the run's folder before any fixture begins, and a line more when the fixture is there."""
FOR_SECONDS = 480.0
pytestmark = pytest.mark.timeout(FOR_SECONDS + 100)


def pytest_runtest_setup() -> None:
    Path(os.environ[HELD]).write_text(f"{leftovers.session_folder()}\n")


def hold() -> None:
    with Path(os.environ[HELD]).open("a") as told:
        told.write("ready\n")
    threading.Event().wait(FOR_SECONDS)


def test_with_a_database(postgres: PostgresServer) -> None:
    hold()


def test_with_the_system(stack: Mapping[str, str]) -> None:
    hold()
