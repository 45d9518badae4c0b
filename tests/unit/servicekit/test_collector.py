"""What arrives together is handled together, and nothing waits for a timer."""

import asyncio

import pytest

from servicekit.collector import Collector
from servicekit.errors import Unavailable


class Handler:
    """Holds a batch until `go`; returns ten times each item, or the exception kept for it."""

    def __init__(self, faults=None, *, held=True):
        self.batches, self.faults, self.began, self.go = [], faults or {}, asyncio.Event(), asyncio.Event()
        if not held:
            self.go.set()

    async def __call__(self, items):
        self.batches.append(list(items))
        self.began.set()
        await self.go.wait()
        return [self.faults.get(item, item * 10) for item in items]


async def test_one_alone_is_a_batch_of_one():
    handler = Handler(held=False)
    assert await Collector(handler, name="test").submit(7) == 70
    assert handler.batches == [[7]]


async def test_what_comes_while_a_batch_is_under_way_is_the_next_batch_in_order():
    handler = Handler()
    collector = Collector(handler, name="test", batch=3)
    first = asyncio.create_task(collector.submit(1))
    await handler.began.wait()
    others = [asyncio.create_task(collector.submit(item)) for item in (2, 3, 4, 5)]
    await asyncio.sleep(0)
    handler.go.set()
    assert await first == 10
    assert await asyncio.gather(*others) == [20, 30, 40, 50]
    assert handler.batches == [[1], [2, 3, 4], [5]]


async def test_a_bad_item_fails_alone():
    collector = Collector(Handler({2: ValueError("bad")}, held=False), name="test")
    results = await asyncio.gather(*(collector.submit(item) for item in (1, 2, 3)), return_exceptions=True)
    assert [results[0], results[2]] == [10, 30]
    assert repr(results[1]) == "ValueError('bad')"


async def test_a_batch_that_fails_fails_for_each_and_the_next_one_is_handled():
    async def handle(items):
        if 1 in items:
            raise Unavailable("away")
        return list(items)

    collector = Collector(handle, name="test")
    results = await asyncio.gather(collector.submit(1), collector.submit(1), return_exceptions=True)
    assert [type(each) for each in results] == [Unavailable, Unavailable]
    assert await collector.submit(2) == 2


async def test_a_full_queue_refuses_at_once_and_keeps_what_it_has():
    handler = Handler()
    collector = Collector(handler, name="test", waiting=2)
    tasks = [asyncio.create_task(collector.submit(1))]
    await handler.began.wait()
    tasks += [asyncio.create_task(collector.submit(item)) for item in (2, 3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await collector.submit(4)
    handler.go.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30]


async def test_a_cancelled_caller_takes_nothing_back_and_harms_no_other():
    handler = Handler()
    collector = Collector(handler, name="test")
    first = asyncio.create_task(collector.submit(1))
    await handler.began.wait()
    impatient, patient = asyncio.create_task(collector.submit(2)), asyncio.create_task(collector.submit(3))
    await asyncio.sleep(0)
    impatient.cancel()
    handler.go.set()
    assert await first == 10
    assert await patient == 30
    assert impatient.cancelled()
    assert handler.batches == [[1], [2, 3]]


async def test_nothing_is_added_while_the_first_waits_for_too_long():
    handler = Handler()
    collector = Collector(handler, name="test", longest_seconds=0.05)
    first = asyncio.create_task(collector.submit(1))
    await handler.began.wait()
    second = asyncio.create_task(collector.submit(2))
    await asyncio.sleep(0)
    collector.require_room()
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable):
        collector.require_room()
    with pytest.raises(Unavailable) as refused:
        await collector.submit(3)
    assert refused.value.retry_after == 1
    handler.go.set()
    assert [await first, await second, await collector.submit(3)] == [10, 20, 30]
    assert handler.batches == [[1], [2], [3]]


async def test_a_cancelled_worker_leaves_no_caller_waiting_and_no_closed_door():
    handler = Handler()
    collector = Collector(handler, name="test", batch=1, longest_seconds=0.01)
    under_way = asyncio.create_task(collector.submit(1))
    await handler.began.wait()
    queued = asyncio.create_task(collector.submit(2))
    await asyncio.sleep(0)
    next(task for task in asyncio.all_tasks() if task.get_name() == "collector").cancel()
    for caller in (under_way, queued):
        with pytest.raises(asyncio.CancelledError):
            await caller
    await asyncio.sleep(0.02)
    handler.go.set()
    assert await collector.submit(3) == 30
