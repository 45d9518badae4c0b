"""Trade states as data, and what a payment's word means in each of them. Pure: no clock, no database."""

from enum import Enum, IntEnum, StrEnum

from order.errors import IllegalMove


class TradeState(IntEnum):
    CANCELLED = -1
    WAIT_PAY = 0
    WAIT_USE = 1
    USED = 2
    REFUNDED = 3
    EXPIRED = 4


MOVES: dict[TradeState, frozenset[TradeState]] = {
    TradeState.CANCELLED: frozenset(),
    TradeState.WAIT_PAY: frozenset({TradeState.WAIT_USE, TradeState.CANCELLED}),
    TradeState.WAIT_USE: frozenset({TradeState.USED, TradeState.REFUNDED, TradeState.EXPIRED}),
    TradeState.USED: frozenset(),
    TradeState.REFUNDED: frozenset(),
    TradeState.EXPIRED: frozenset(),
}
CLOSED_BY_REFUND = frozenset({TradeState.USED, TradeState.EXPIRED})
"""Where an order must not go while a refund of it is open."""


def require_move(current: TradeState, target: TradeState, *, refund_open: bool = False) -> None:
    """Raises IllegalMove unless the table allows it."""
    if target not in MOVES[current]:
        raise IllegalMove(f"an order at {current.value} cannot go to {target.value}")
    if refund_open and target in CLOSED_BY_REFUND:
        raise IllegalMove(f"an order with an open refund cannot go to {target.value}")


class RefundCause(StrEnum):
    """Why money goes back; the words are the contract's (refund-requested.v1)."""

    BUYER = "buyer"
    LATE_PAYMENT = "late-payment"
    DUPLICATE_PAYMENT = "duplicate-payment"


class RefundState(StrEnum):
    """How a buyer's wish for the money stands."""

    NONE = "none"
    ASKED = "asked"
    """The merchant is to decide; the rule does when the answer is long in coming."""
    AGREED = "agreed"
    REFUSED = "refused"
    FAILED = "failed"
    """Agreed, but payment could not give it back: the order goes on, does not expire, and the buyer may ask again."""


class RefundUpdate(StrEnum):
    """What others are told of a refund when the order's state does not tell it (refund-updated.v1)."""

    ASKED = "asked"
    """The merchant is to decide."""
    RETURNED = "returned"
    """All of a payment's money is back, and the order stays as it is."""


class Effect(Enum):
    """What a payment's word asks of the order."""

    RECORD = "the payment is recorded, the order stays as it is"
    PAY = "the order is paid"
    PAY_AND_REFUND = "the order was paid, and all of it went back"
    REFUND = "the order is refunded"
    REFUND_LATE = "the order was cancelled: the payment is refunded"
    REFUND_DUPLICATE = "another payment paid the order: this one is refunded"


REFUND_CAUSES = {
    Effect.REFUND_LATE: RefundCause.LATE_PAYMENT,
    Effect.REFUND_DUPLICATE: RefundCause.DUPLICATE_PAYMENT,
}


def effect_of_paid(state: TradeState, paid_by: str | None, payment_sn: str) -> Effect:
    """A payment says it was paid; `paid_by` is the payment that paid the order, if any."""
    if paid_by == payment_sn:
        return Effect.RECORD
    if state is TradeState.WAIT_PAY:
        return Effect.PAY
    return Effect.REFUND_LATE if state is TradeState.CANCELLED else Effect.REFUND_DUPLICATE


def effect_of_refunded(state: TradeState, paid_by: str | None, payment_sn: str, *, whole: bool) -> Effect:
    """A payment says all of it went back; `whole`: its amount is the order's.

    A used or expired order stays so: money given back out of courtesy does not undo the stay. An order still waiting
    has missed the payment's first word, which may come later and is then old.
    """
    if state is TradeState.WAIT_PAY:
        return Effect.PAY_AND_REFUND if whole else Effect.RECORD
    if state is TradeState.WAIT_USE and paid_by == payment_sn:
        return Effect.REFUND
    return Effect.RECORD


def cause_of_return(state: TradeState, paid_by: str | None, payment_sn: str) -> RefundCause | None:
    """Why a payment's money went back although its order stays as it is; None: out of courtesy, or unknown."""
    if paid_by == payment_sn or state is TradeState.WAIT_PAY:
        return None
    return RefundCause.LATE_PAYMENT if state is TradeState.CANCELLED else RefundCause.DUPLICATE_PAYMENT
