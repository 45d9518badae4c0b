"""What may follow what with a refund."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment.ledger.refund_states import (
    ALLOWED,
    HOLDS_MONEY,
    STATE_BY_WECHAT_STATUS,
    ContradictoryStatus,
    RefundState,
    next_state,
)

S = RefundState
STATUSES = [*STATE_BY_WECHAT_STATUS, "FAIL", ""]


@pytest.mark.parametrize(
    ("current", "status", "following"),
    [
        (S.REQUESTED, "PROCESSING", S.ACCEPTED),
        (S.REQUESTED, "SUCCESS", S.SUCCEEDED),
        (S.ACCEPTED, "PROCESSING", S.ACCEPTED),
        (S.ACCEPTED, "ABNORMAL", S.ABNORMAL),
        (S.ACCEPTED, "CLOSED", S.CLOSED),
        (S.ABNORMAL, "PROCESSING", S.ABNORMAL),
        (S.ABNORMAL, "ABNORMAL", S.ABNORMAL),
        (S.ABNORMAL, "SUCCESS", S.SUCCEEDED),
        (S.SUCCEEDED, "SUCCESS", S.SUCCEEDED),
        (S.SUCCEEDED, "PROCESSING", S.SUCCEEDED),
        (S.SUCCEEDED, "ABNORMAL", S.SUCCEEDED),
        (S.CLOSED, "PROCESSING", S.CLOSED),
        (S.ACCEPTED, "SOMETHING_NEW", S.ACCEPTED),
    ],
)
def test_wechats_status_decides_the_state(current, status, following):
    assert next_state(current, status) is following


@pytest.mark.parametrize(("current", "status"), [(S.SUCCEEDED, "CLOSED"), (S.CLOSED, "SUCCESS")])
def test_an_end_that_contradicts_the_end_we_know_is_flagged_for_review(current, status):
    with pytest.raises(ContradictoryStatus):
        next_state(current, status)


@given(st.lists(st.sampled_from(STATUSES), max_size=12))
def test_money_given_back_is_never_forgotten_and_never_counted_twice(statuses):
    state, gave_back = S.REQUESTED, 0
    for status in statuses:
        try:
            following = next_state(state, status)
        except ContradictoryStatus:
            continue
        assert following is state or (state, following) in ALLOWED
        gave_back += following is S.SUCCEEDED and state is not S.SUCCEEDED
        assert not (state is S.SUCCEEDED and following is not S.SUCCEEDED)
        state = following
    assert gave_back == (state is S.SUCCEEDED)


@given(st.lists(st.sampled_from(STATUSES), max_size=12))
def test_no_echo_of_an_older_status_takes_a_refund_where_it_has_been(statuses):
    """Late, doubled, out of turn: each state is entered once."""
    entered = [S.REQUESTED]
    for status in statuses:
        try:
            following = next_state(entered[-1], status)
        except ContradictoryStatus:
            continue
        if following is not entered[-1]:
            entered.append(following)
    assert len(entered) == len(set(entered))


def test_only_a_closed_refund_frees_its_share_of_the_payment():
    assert set(S) - set(HOLDS_MONEY) == {S.CLOSED}
