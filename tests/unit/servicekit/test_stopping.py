"""Work ends when it is cancelled, also when what was interrupted ends by a fault of its own."""

import asyncio
from datetime import timedelta
from unittest.mock import Mock

import pytest
from structlog.testing import capture_logs

from notification.courier import Courier
from payment.daily.days import Daily
from payment.refunding.submission import RefundSubmission
from servicekit.background import hourly
from servicekit.clock import utc_now
from servicekit.relay import Relay
from servicekit.stopping import stop


class Broken:
    """What is under way when it is cancelled, and its connection breaks; `kept_to_itself`: it only writes that down."""

    def __init__(self, *, kept_to_itself=False):
        self.began, self._quiet = asyncio.Event(), kept_to_itself

    async def __call__(self, *_arguments, **_options):
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not self._quiet:
                raise ConnectionError("broken on the way out") from None


def courier(broken):
    working = Courier(claim=broken, deliver=broken, parallel=1)
    working.wake()
    return working


def submission(broken):
    working = RefundSubmission(
        db=Mock(), clock=utc_now, wechat=Mock(), settlement=Mock(), notify_url="", spacing=timedelta()
    )
    working.submit_due = broken
    working.wake()
    return working


def relay(broken):
    working = Relay(Mock(), Mock())
    working._hold_and_publish = broken
    return working


def daily(broken):
    return Daily(broken)


def upkeep(broken):
    working = hourly(broken)
    working.wake()
    return working


@pytest.mark.parametrize("made", [courier, submission, relay, daily, upkeep])
@pytest.mark.parametrize("kept_to_itself", [False, True])
async def test_a_fault_on_the_way_out_does_not_hide_that_work_was_to_end(made, kept_to_itself):
    broken = Broken(kept_to_itself=kept_to_itself)
    task = asyncio.create_task(made(broken).run())
    await broken.began.wait()
    async with asyncio.timeout(2):
        await stop([task])
    assert task.cancelled()


@pytest.mark.parametrize("side", ["_listen", "_publish_forever"])
async def test_neither_side_of_a_relay_hides_it(side):
    class Held(Relay):
        async def _hold_and_publish(self):
            await self._listen_and_publish(Mock())

        async def _listen(self, _connection):
            await asyncio.Event().wait()

        async def _publish_forever(self):
            await asyncio.Event().wait()

    broken, working = Broken(), Held(Mock(), Mock())
    setattr(working, side, broken)
    task = asyncio.create_task(working.run())
    await broken.began.wait()
    async with asyncio.timeout(2):
        await stop([task])
    assert task.cancelled()


async def test_a_relay_goes_on_after_a_fault_of_either_side():
    class Held(Relay):
        tries = 0

        async def _hold_and_publish(self):
            await self._listen_and_publish(Mock())

        async def _listen(self, _connection):
            await asyncio.Event().wait()

        async def _publish_forever(self):
            self.tries += 1
            raise ConnectionError("away")

    working = Held(Mock(), Mock(), poll_seconds=0.01)
    task = asyncio.create_task(working.run())
    async with asyncio.timeout(5):
        while working.tries < 3:
            await asyncio.sleep(0.01)
    await stop([task])
    assert task.cancelled()


async def test_what_does_not_end_is_named_and_left_in_bounded_time(monkeypatch):
    async def deaf():
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    async def dead():
        raise ValueError("long ago")

    over = asyncio.Event()
    monkeypatch.setattr("servicekit.stopping.LONGEST_SECONDS", 0.05)
    tasks = [asyncio.create_task(deaf(), name="Deaf"), asyncio.create_task(dead(), name="Dead")]
    await asyncio.sleep(0)
    with capture_logs() as said:
        await stop(tasks)
    assert [(each["work"], each["event"]) for each in said] == [
        ("Deaf", "work does not stop"),
        ("Dead", "work had ended by a fault"),
    ]
    over.set()
    await tasks[0]
    await stop([])
