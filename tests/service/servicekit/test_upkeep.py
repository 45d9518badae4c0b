"""The hourly chores: all of them, whatever one of them does."""

import asyncio

from servicekit.upkeep import Upkeep


async def test_a_chore_that_fails_keeps_neither_the_others_nor_the_next_round():
    done: list[str] = []
    twice = asyncio.Event()

    async def fails() -> None:
        done.append("fails")
        raise RuntimeError("no")

    async def works() -> None:
        done.append("works")
        if done.count("works") == 2:
            twice.set()

    task = asyncio.create_task(Upkeep(fails, works, every_seconds=0).run())
    await asyncio.wait_for(twice.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert done[:4] == ["fails", "works", "fails", "works"]
