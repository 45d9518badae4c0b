"""The one background loop: rounds, wake-ups, faults, its end."""

import asyncio
import contextlib

import pytest

from servicekit.loop import Loop


@contextlib.asynccontextmanager
async def running(loop):
    task = asyncio.create_task(loop.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Step:
    def __init__(self, fault=None):
        self.rounds, self.fault, self.done = 0, fault, asyncio.Event()

    async def __call__(self):
        self.rounds += 1
        self.done.set()
        if self.fault:
            raise self.fault

    async def next(self):
        async with asyncio.timeout(5):
            await self.done.wait()
        self.done.clear()


async def test_without_a_period_it_waits_for_the_first_wake_up():
    step = Step()
    loop = Loop(step, name="work")
    async with running(loop):
        await asyncio.sleep(0)
        assert step.rounds == 0
        loop.wake()
        await step.next()
        assert step.rounds == 1


async def test_with_a_period_it_begins_at_once_and_comes_again_by_itself():
    step = Step()
    async with running(Loop(step, name="work", every_seconds=0.001)):
        for _ in range(3):
            await step.next()


async def test_the_first_round_may_come_later_and_a_wake_up_comes_before_it():
    step = Step()
    loop = Loop(step, name="work", every_seconds=3600, first_after_seconds=3600)
    async with running(loop):
        await asyncio.sleep(0.01)
        assert step.rounds == 0
        loop.wake()
        await step.next()
        assert step.rounds == 1


async def test_a_wake_up_does_not_wait_for_the_period():
    step = Step()
    loop = Loop(step, name="work", every_seconds=3600)
    async with running(loop):
        await step.next()
        loop.wake()
        await step.next()
        assert step.rounds == 2


async def test_wake_ups_during_a_round_make_one_more():
    began, may_end, rounds = asyncio.Event(), asyncio.Event(), 0

    async def step():
        nonlocal rounds
        rounds += 1
        began.set()
        await may_end.wait()

    loop = Loop(step, name="work")
    loop.wake()
    async with running(loop):
        await began.wait()
        for _ in range(5):
            loop.wake()
        assert loop.is_woken
        may_end.set()
        while rounds < 2 or loop.is_woken:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert rounds == 2


async def test_a_fault_keeps_neither_the_other_steps_nor_the_next_round():
    broken, sound = Step(ValueError("no")), Step()
    loop = Loop(broken, sound, name="work", every_seconds=3600)
    async with running(loop):
        await sound.next()
        loop.wake()
        await sound.next()
        assert (broken.rounds, sound.rounds) == (2, 2)


@pytest.mark.parametrize("every_seconds", [None, 3600])
async def test_its_drain_runs_once_when_it_is_cancelled(every_seconds):
    drained = Step()
    loop = Loop(Step(), name="work", every_seconds=every_seconds, drain=drained)
    async with running(loop) as task:
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert drained.rounds == 1
