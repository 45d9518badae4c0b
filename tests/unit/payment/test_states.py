"""What may follow what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment.ledger.payment_states import ALLOWED, IllegalTransition, PayStatus, check, next_status

TRADE_STATES = ["SUCCESS", "REFUND", "NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR", "ACCEPT", ""]


@pytest.mark.parametrize(
    ("current", "trade_state", "following"),
    [
        (PayStatus.WAITING, "SUCCESS", PayStatus.PAID),
        (PayStatus.WAITING, "REFUND", PayStatus.PAID),
        (PayStatus.WAITING, "CLOSED", PayStatus.CLOSED),
        (PayStatus.WAITING, "NOTPAY", PayStatus.WAITING),
        (PayStatus.WAITING, "PAYERROR", PayStatus.WAITING),
        (PayStatus.CLOSED, "SUCCESS", PayStatus.PAID),
        (PayStatus.CLOSED, "CLOSED", PayStatus.CLOSED),
        (PayStatus.PAID, "SUCCESS", PayStatus.PAID),
        (PayStatus.PAID, "CLOSED", PayStatus.PAID),
        (PayStatus.PAID, "NOTPAY", PayStatus.PAID),
        (PayStatus.REFUNDED, "SUCCESS", PayStatus.REFUNDED),
        (PayStatus.REFUNDED, "CLOSED", PayStatus.REFUNDED),
    ],
)
def test_wechats_trade_state_decides_the_status(current, trade_state, following):
    assert next_status(current, trade_state) is following


@given(st.lists(st.sampled_from(TRADE_STATES), max_size=12))
def test_whatever_is_said_in_whatever_order_only_allowed_changes_happen_and_money_is_never_forgotten(trade_states):
    status = PayStatus.WAITING
    for trade_state in trade_states:
        following = next_status(status, trade_state)
        assert following is status or (status, following) in ALLOWED
        assert not (status is PayStatus.PAID and following is not PayStatus.PAID)
        status = following
    assert (status is PayStatus.PAID) == any(trade_state in {"SUCCESS", "REFUND"} for trade_state in trade_states)


@given(st.sampled_from(PayStatus), st.sampled_from(PayStatus))
def test_a_change_outside_the_table_is_refused(current, following):
    if (current, following) in ALLOWED:
        check(current, following)
    else:
        with pytest.raises(IllegalTransition, match=f"{current.name} → {following.name}"):
            check(current, following)
