"""Four eyes as a state machine: whatever happens in whatever order, one person alone never sends money."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment.ledger.approval_states import (
    VALID_FOR,
    ApprovalState,
    HasEnded,
    SameOperator,
    Wanted,
    approve,
    current,
    decline,
)

START = datetime(2026, 11, 29, tzinfo=UTC)
OPERATORS = (1, 2, 3)


def wanted(state=ApprovalState.WANTED, by=1):
    return Wanted(state, by, START + VALID_FOR)


def test_another_operator_approves_within_a_day():
    last = START + VALID_FOR - timedelta(microseconds=1)
    assert approve(wanted(), 2, last) is ApprovalState.APPROVED
    assert decline(wanted(), last) is ApprovalState.DECLINED


def test_who_asked_takes_it_back_but_does_not_approve():
    with pytest.raises(SameOperator):
        approve(wanted(), 1, START)
    assert decline(wanted(), START) is ApprovalState.DECLINED


@pytest.mark.parametrize("decide", [lambda at: approve(wanted(), 2, at), lambda at: decline(wanted(), at)])
def test_after_a_day_no_decision_is_accepted(decide):
    with pytest.raises(HasEnded, match="expired"):
        decide(START + VALID_FOR)
    assert current(wanted(), START + VALID_FOR) is ApprovalState.EXPIRED


@pytest.mark.parametrize("state", [ApprovalState.APPROVED, ApprovalState.DECLINED, ApprovalState.EXPIRED])
def test_what_has_ended_stays_so(state):
    assert current(wanted(state), START) is state
    for decide in (lambda: approve(wanted(state), 2, START), lambda: decline(wanted(state), START)):
        with pytest.raises(HasEnded):
            decide()


STEPS = st.lists(
    st.tuples(st.sampled_from(["approve", "decline"]), st.sampled_from(OPERATORS), st.integers(0, 30)), max_size=12
)


@given(by=st.sampled_from(OPERATORS), steps=STEPS)
def test_no_order_of_decisions_approves_twice_late_or_alone(by, steps):
    state, approvals, now = ApprovalState.WANTED, [], START
    for what, who, hours in steps:
        now += timedelta(hours=hours)
        before = wanted(state, by)
        try:
            state = approve(before, who, now) if what == "approve" else decline(before, now)
        except (SameOperator, HasEnded):
            state = current(before, now)
            continue
        assert before.state is ApprovalState.WANTED
        if state is ApprovalState.APPROVED:
            approvals.append((who, now))
    assert len(approvals) <= 1
    assert all(who != by and when < START + VALID_FOR for who, when in approvals)
    assert (state is ApprovalState.APPROVED) == bool(approvals)
