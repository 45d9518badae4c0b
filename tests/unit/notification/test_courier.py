"""The worker in the process: bounded, woken, and gentle when it is told to stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from notification.claims import Claim
from notification.courier import Courier
from notification.states import Kind
from servicekit.errors import DatabaseUnavailable


class Desk:
    """Hands out claims and keeps deliveries until they are let go."""

    def __init__(self, due: int) -> None:
        self.due = due
        self.at_once = self.most_at_once = self.delivered = 0
        self.release, self.crowded = asyncio.Event(), asyncio.Event()
        self.down = False

    async def claim(self, limit: int) -> list[Claim]:
        if self.down:
            raise DatabaseUnavailable
        taken = min(limit, self.due)
        self.due -= taken
        return [Claim(number, "HSO1", Kind.PAID, 1, None) for number in range(taken)]

    async def deliver(self, claims: Sequence[Claim]) -> AsyncIterator[int]:
        self.at_once += len(claims)
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once == 3:
            self.crowded.set()
        yield 0
        await self.release.wait()
        self.at_once -= len(claims)
        self.delivered += len(claims)
        yield len(claims)


@contextlib.asynccontextmanager
async def running(courier: Courier) -> object:
    task = asyncio.create_task(courier.run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_wake_up_works_through_all_that_is_due_a_few_at_a_time() -> None:
    desk = Desk(due=10)
    courier = Courier(claim=desk.claim, deliver=desk.deliver, parallel=3)
    async with running(courier):
        courier.wake()
        await desk.crowded.wait()
        desk.release.set()
        await courier.idle()
    assert (desk.delivered, desk.most_at_once) == (10, 3)


async def test_a_full_house_claims_nothing() -> None:
    desk = Desk(due=10)
    courier = Courier(claim=desk.claim, deliver=desk.deliver, parallel=3)
    assert [await courier.start_due(), await courier.start_due()] == [3, 0]
    desk.release.set()


async def test_it_outlives_a_database_that_is_away_and_deliveries_that_fail() -> None:
    desk = Desk(due=2)
    desk.down = True

    async def fail(claims: Sequence[Claim]) -> AsyncIterator[int]:
        async for done in desk.deliver(claims):
            yield done
        raise DatabaseUnavailable if desk.due else ZeroDivisionError

    desk.release.set()
    courier = Courier(claim=desk.claim, deliver=fail, parallel=1)
    async with running(courier):
        courier.wake()
        await courier.idle()
        desk.down = False
        courier.wake()
        await courier.idle()
    assert desk.delivered == 2


async def test_what_is_under_way_is_finished_before_it_stops() -> None:
    desk = Desk(due=2)
    courier = Courier(claim=desk.claim, deliver=desk.deliver, parallel=2, grace_seconds=30)
    async with running(courier) as task:
        await courier.start_due()
        await asyncio.sleep(0)
        assert isinstance(task, asyncio.Task)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        desk.release.set()
        await asyncio.gather(task, return_exceptions=True)
    assert desk.delivered == 2


async def test_what_does_not_end_in_time_is_cut() -> None:
    desk = Desk(due=2)
    courier = Courier(claim=desk.claim, deliver=desk.deliver, parallel=2, grace_seconds=0.01)
    async with running(courier):
        await asyncio.sleep(0)
        await courier.start_due()
    await courier.idle()
    assert desk.delivered == 0
