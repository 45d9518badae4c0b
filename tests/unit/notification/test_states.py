"""Where an attempt's end leads, how a task may move, how long it waits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification.retries import RetryPolicy
from notification.states import Outcome, TaskState, Verdict, conclude, may_move
from servicekit.due import Backoff

POLICY = RetryPolicy(
    max_attempts=25,
    give_up_after=timedelta(hours=24),
    backoff=Backoff(first=timedelta(seconds=5), longest=timedelta(minutes=90), jitter=0.25),
)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
verdicts = st.builds(
    Verdict,
    st.sampled_from(
        [Outcome.ACCEPTED, Outcome.REFUSED, Outcome.INVALID, Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_SENT]
    ),
    st.just("as it was told"),
    st.sampled_from([None, -1, 0, 40003, 43101, 45009]),
)


@given(verdicts, st.booleans())
def test_only_an_acceptance_or_a_refusal_after_doubt_counts_as_sent(verdict: Verdict, doubtful: bool) -> None:
    outcome, state = conclude(verdict, doubtful=doubtful)
    presumed = verdict.outcome is Outcome.REFUSED and verdict.errcode == 43101 and doubtful
    assert (state is TaskState.SENT) == (verdict.outcome is Outcome.ACCEPTED or presumed)
    assert (outcome is Outcome.PRESUMED) == presumed


@given(verdicts, st.booleans())
def test_a_conclusion_is_a_move_that_a_pending_task_may_make(verdict: Verdict, doubtful: bool) -> None:
    _, state = conclude(verdict, doubtful=doubtful)
    assert state is TaskState.PENDING or may_move(TaskState.PENDING, state)


@pytest.mark.parametrize("errcode", [40003, 40037, 41030, 47003])
def test_our_own_mistake_stays_one_after_a_doubt(errcode: int) -> None:
    verdict = Verdict(Outcome.INVALID, "no", errcode)
    assert conclude(verdict, doubtful=True) == (Outcome.INVALID, TaskState.INVALID)


def test_nothing_leaves_sent_and_nothing_but_what_stopped_begins_again() -> None:
    assert not any(may_move(TaskState.SENT, state) for state in TaskState)
    again = {state for state in TaskState if may_move(state, TaskState.PENDING)}
    assert again == {TaskState.REFUSED, TaskState.INVALID, TaskState.DEAD}


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_their_bound_and_differ_by_chance(tries: int, spread: float, other: float) -> None:
    pause, after = POLICY.backoff.pause(tries, spread), POLICY.backoff.pause(tries + 1, other)
    assert timedelta(seconds=3.75) <= pause <= POLICY.backoff.longest * 1.25
    if tries < 11:  # not at the bound yet: 5 s * 2^10 = 85 min
        assert after > pause


def test_all_attempts_together_fill_about_a_day() -> None:
    total = sum((POLICY.backoff.pause(tries, 0.5) for tries in range(1, POLICY.max_attempts)), timedelta())
    assert timedelta(hours=20) < total < timedelta(hours=24)


@pytest.mark.parametrize(
    ("tries", "late", "exhausted"), [(24, -1, False), (25, -1, True), (1, 0, True), (1, 1, True), (0, -1, False)]
)
def test_a_task_is_given_up_by_count_or_by_age(tries: int, late: int, exhausted: bool) -> None:
    assert POLICY.exhausted(tries, NOW + timedelta(seconds=late), NOW) is exhausted
