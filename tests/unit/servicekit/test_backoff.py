"""Pauses between two tries."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from servicekit.due import Backoff, Schedule, side_by_side
from servicekit.errors import Unavailable

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("tries", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (7, 300), (10_000, 300)])
def test_pauses_double_up_to_the_longest(tries, seconds):
    assert Backoff(5 * SECOND, 300 * SECOND).pause(tries) == seconds * SECOND


@pytest.mark.parametrize(("tries", "seconds"), [(0, 10), (1, 10), (2, 30), (3, 60), (4, 60), (99, 60)])
def test_the_last_pause_of_a_schedule_is_repeated(tries, seconds):
    assert Schedule.of_seconds(10, 30, 60).pause(tries) == seconds * SECOND


@given(tries=st.integers(1, 100), chance=st.floats(0, 1, exclude_max=True), jitter=st.floats(0, 0.9))
def test_jitter_moves_a_pause_by_its_share_at_most(tries, chance, jitter):
    plain = Backoff(5 * SECOND, 300 * SECOND).pause(tries)
    moved = Backoff(5 * SECOND, 300 * SECOND, jitter=jitter).pause(tries, chance)
    assert plain * (1 - jitter) - SECOND / 1000 <= moved <= plain * (1 + jitter) + SECOND / 1000


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 3.75), (0.5, 5.0), (0.75, 5.625)])
def test_a_quarter_either_way(chance, seconds):
    assert Backoff(5 * SECOND, 300 * SECOND, jitter=0.25).pause(1, chance) == seconds * SECOND
    assert Schedule((5 * SECOND,), jitter=0.25).pause(1, chance) == seconds * SECOND


async def test_one_fault_does_not_stop_the_others_and_no_more_run_at_once_than_allowed():
    running = most = 0
    done = []

    async def work(item):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        if item == 3:
            raise Unavailable("away")
        if item == 4:
            raise ValueError("no")
        done.append(item)

    with capture_logs() as said:
        await side_by_side(range(7), work, at_once=3, what="counting")
    assert sorted(done) == [0, 1, 2, 5, 6]
    assert most == 3
    assert [(each["item"], each["log_level"]) for each in said] == [("3", "warning"), ("4", "error")]
