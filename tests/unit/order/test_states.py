"""What may become of an order, and what a payment's word means to it."""

import itertools

import pytest

from order import states
from order.errors import IllegalMove
from order.states import Effect, TradeState

S = TradeState
LEGAL = {
    (S.WAIT_PAY, S.WAIT_USE),
    (S.WAIT_PAY, S.CANCELLED),
    (S.WAIT_USE, S.USED),
    (S.WAIT_USE, S.REFUNDED),
    (S.WAIT_USE, S.EXPIRED),
}


@pytest.mark.parametrize(("current", "target"), list(itertools.product(TradeState, TradeState)))
def test_five_moves_are_legal_and_nothing_else(current: TradeState, target: TradeState) -> None:
    if (current, target) in LEGAL:
        states.require_move(current, target)
    else:
        with pytest.raises(IllegalMove):
            states.require_move(current, target)


@pytest.mark.parametrize("target", [S.USED, S.EXPIRED])
def test_an_open_refund_forbids_use_and_expiry(target: TradeState) -> None:
    with pytest.raises(IllegalMove):
        states.require_move(S.WAIT_USE, target, refund_open=True)


def test_an_open_refund_may_end_in_the_refund() -> None:
    states.require_move(S.WAIT_USE, S.REFUNDED, refund_open=True)


@pytest.mark.parametrize(
    ("state", "paid_by", "effect"),
    [
        (S.WAIT_PAY, None, Effect.PAY),
        (S.CANCELLED, None, Effect.REFUND_LATE),
        (S.WAIT_USE, "P1", Effect.RECORD),
        (S.USED, "P1", Effect.RECORD),
        (S.REFUNDED, "P1", Effect.RECORD),
        (S.WAIT_USE, "P2", Effect.REFUND_DUPLICATE),
        (S.USED, "P2", Effect.REFUND_DUPLICATE),
        (S.REFUNDED, "P2", Effect.REFUND_DUPLICATE),
        (S.EXPIRED, "P2", Effect.REFUND_DUPLICATE),
    ],
)
def test_payment_p1_says_paid(state: TradeState, paid_by: str | None, effect: Effect) -> None:
    assert states.effect_of_paid(state, paid_by, "P1") is effect


@pytest.mark.parametrize(
    ("state", "paid_by", "whole", "effect"),
    [
        (S.WAIT_PAY, None, True, Effect.PAY_AND_REFUND),
        (S.WAIT_PAY, None, False, Effect.RECORD),
        (S.WAIT_USE, "P1", True, Effect.REFUND),
        (S.WAIT_USE, "P2", True, Effect.RECORD),
        (S.USED, "P1", True, Effect.RECORD),
        (S.EXPIRED, "P1", True, Effect.RECORD),
        (S.REFUNDED, "P1", True, Effect.RECORD),
        (S.CANCELLED, None, True, Effect.RECORD),
    ],
)
def test_payment_p1_says_refunded(state: TradeState, paid_by: str | None, whole: bool, effect: Effect) -> None:
    assert states.effect_of_refunded(state, paid_by, "P1", whole=whole) is effect
