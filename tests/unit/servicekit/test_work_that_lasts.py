"""Background work lasts as long as its service: whatever fails for however long, it goes on when it can."""

import asyncio
from contextlib import asynccontextmanager
from unittest.mock import Mock

import pytest
from structlog.testing import capture_logs

from servicekit.background import keep_running
from servicekit.relay import Relay
from servicekit.stopping import stop

FAILURES = 2000
"""Failures in a row, five seconds apart: more than two hours without a database."""


@pytest.fixture
def pauses(monkeypatch):
    """The seconds of every pause, which take no time. For a loop of a test's own: on the session's others pause, too."""
    taken, yield_once = [], asyncio.sleep

    async def at_once(seconds):
        taken.append(seconds)
        await yield_once(0)

    monkeypatch.setattr(asyncio, "sleep", at_once)
    return taken


def test_a_relay_outlives_a_database_that_is_away_for_hours(pauses):
    class Away:
        on_outbox, tries, back = [], 0, asyncio.Event()

        @asynccontextmanager
        async def own_connection(self, **_options):
            self.tries += 1
            if self.tries <= FAILURES:
                raise ConnectionRefusedError("away")
            self.back.set()
            yield Mock()

    async def until_it_is_back():
        task = asyncio.create_task(Relay(database, Mock()).run())
        async with asyncio.timeout(30):
            await database.back.wait()
        await stop([task])

    database = Away()
    asyncio.run(until_it_is_back())
    assert (database.tries, pauses[:4], max(pauses)) == (FAILURES + 1, [2.0, 4.0, 5.0, 5.0], 5.0)


class Failing:
    """Ends twice, by a fault and by itself, then runs."""

    def __init__(self):
        self.begun, self.runs = 0, asyncio.Event()

    async def run(self):
        self.begun += 1
        if self.begun == 1:
            raise OverflowError("int too large to convert to float")
        if self.begun == 2:
            return
        self.runs.set()
        await asyncio.Event().wait()


def test_work_that_ends_begins_anew_and_is_logged(pauses):
    async def until_it_runs():
        task = asyncio.create_task(keep_running(work))
        async with asyncio.timeout(30):
            await work.runs.wait()
        await stop([task])
        assert task.cancelled()

    work = Failing()
    with capture_logs() as logged:
        asyncio.run(until_it_runs())
    assert (work.begun, pauses) == (3, [1.0, 2.0])
    assert [(each["log_level"], each["work"], each["error"]) for each in logged] == [
        ("error", "Failing", "OverflowError: int too large to convert to float"),
        ("error", "Failing", "it returned"),
    ]


@pytest.mark.parametrize(("lasted", "paused"), [(59, [1.0, 2.0, 4.0, 8.0]), (60, [1.0, 1.0, 1.0, 1.0])])
def test_work_that_ran_for_as_long_as_the_longest_pause_begins_anew_after_the_shortest(pauses, lasted, paused):
    class Lasting:
        def __init__(self):
            self.ends, self.runs = 0, asyncio.Event()

        async def run(self):
            if self.ends == 4:
                self.runs.set()
                await asyncio.Event().wait()
            self.ends += 1
            clock.seconds += lasted

    class Clock:
        seconds = 1000.0

        def __call__(self):
            return self.seconds

    async def until_it_runs():
        task = asyncio.create_task(keep_running(work, monotonic=clock))
        async with asyncio.timeout(30):
            await work.runs.wait()
        await stop([task])

    clock, work = Clock(), Lasting()
    with capture_logs() as logged:
        asyncio.run(until_it_runs())
    assert pauses == paused
    assert [each["failures"] for each in logged] == ([1, 2, 3, 4] if lasted < 60 else [1, 1, 1, 1])
