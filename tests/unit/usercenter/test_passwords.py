import asyncio

import pytest
from argon2 import PasswordHasher

from servicekit.errors import Unavailable
from usercenter.passwords import Passwords


async def test_only_the_same_password_matches():
    passwords = Passwords()
    kept = await passwords.hash("pass-word")
    assert await passwords.matches("pass-word", kept)
    assert not await passwords.matches("Pass-word", kept)
    assert kept != await passwords.hash("pass-word")
    await passwords.close()


async def test_nothing_matches_where_no_password_is_kept():
    passwords = Passwords()
    assert not await passwords.matches("anything", None)
    assert not await passwords.matches("anything", "no hash at all")
    await passwords.close()


async def test_hashes_of_other_parameters_are_outdated():
    passwords = Passwords()
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("password")
    assert passwords.is_outdated(weak)
    assert not passwords.is_outdated(await passwords.hash("password"))
    assert await passwords.matches("password", weak)
    await passwords.close()


async def test_more_than_the_queue_holds_is_turned_away_at_once():
    passwords = Passwords(threads=1, queue=1)
    outcomes = await asyncio.gather(*(passwords.hash("password") for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 3
    assert await passwords.hash("password")
    await passwords.close()


async def test_hashing_leaves_the_loop_free():
    passwords = Passwords(threads=1)
    hashing = asyncio.create_task(passwords.hash("password"))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10
    await passwords.close()


def test_a_pool_without_room_refuses():
    with pytest.raises(Unavailable):
        asyncio.run(Passwords(threads=1, queue=-1).hash("password"))
