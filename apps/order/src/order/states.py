"""Trade states and their transitions, and the effect of a payment's status in each state. Pure: no clock, no
database."""

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
"""States that an order with an open refund must not change to."""


def require_move(current: TradeState, target: TradeState, *, refund_open: bool = False) -> None:
    """Raises IllegalMove unless the table allows it."""
    if target not in MOVES[current]:
        raise IllegalMove(f"no transition from {current.value} to {target.value}")
    if refund_open and target in CLOSED_BY_REFUND:
        raise IllegalMove(f"no transition to {target.value} while a refund is open")


class RefundCause(StrEnum):
    """Why a payment is refunded; values of the contract refund-requested.v1."""

    BUYER = "buyer"
    LATE_PAYMENT = "late-payment"
    DUPLICATE_PAYMENT = "duplicate-payment"
    GOODWILL = "goodwill"
    """The host gives back more than they had to."""


class RefundState(StrEnum):
    """State of a buyer's refund request."""

    NONE = "none"
    ASKED = "asked"
    """Waits for the merchant; agreed to automatically when no answer comes in time."""
    AGREED = "agreed"
    REFUSED = "refused"
    FAILED = "failed"
    """Agreed, but payment could not carry it out: the order can be used, does not expire, and the buyer may request
    again."""


class RefundUpdate(StrEnum):
    """Changes of a refund that leave the trade state as it is; values of the contract refund-updated.v1."""

    ASKED = "asked"
    """The merchant has to decide."""
    RETURNED = "returned"
    """A payment was refunded completely, and the trade state stays."""
    PART_RETURNED = "part-returned"
    """A part of a payment was refunded, and the trade state stays."""


class RequestState(StrEnum):
    """State of a refund that was requested from payment."""

    REQUESTED = "requested"
    RETURNED = "returned"
    FAILED = "failed"


class Effect(Enum):
    """What a payment's status changes in its order."""

    RECORD = "the payment is recorded, the order stays as it is"
    PAY = "the order is paid"
    PAY_AND_REFUND = "the order was paid, and refunded completely"
    REFUND = "the order is refunded, completely or by the part that was agreed"
    REFUND_LATE = "the order was cancelled: the payment is refunded"
    REFUND_DUPLICATE = "another payment paid the order: this one is refunded"


REFUND_CAUSES = {
    Effect.REFUND_LATE: RefundCause.LATE_PAYMENT,
    Effect.REFUND_DUPLICATE: RefundCause.DUPLICATE_PAYMENT,
}


MOVES_ORDER = frozenset({Effect.PAY, Effect.PAY_AND_REFUND, Effect.REFUND})
"""Effects that change the trade state."""


def effect_of_paid(state: TradeState, paid_by: str | None, payment_sn: str, *, agreed_is_back: bool = False) -> Effect:
    """The effect of a paid payment. `paid_by`: the number of the payment that paid the order, if any; `agreed_is_back`: the
    part that an agreed refund request is for has been refunded."""
    if paid_by == payment_sn:
        return Effect.REFUND if agreed_is_back and state is TradeState.WAIT_USE else Effect.RECORD
    if state is TradeState.WAIT_PAY:
        return Effect.PAY
    return Effect.REFUND_LATE if state is TradeState.CANCELLED else Effect.REFUND_DUPLICATE


def effect_of_refunded(state: TradeState, paid_by: str | None, payment_sn: str, *, whole: bool) -> Effect:
    """The effect of a completely refunded payment; `whole`: its amount is the order's.

    Used and expired orders keep their state: a goodwill refund does not undo the stay. In WAIT_PAY the event that said
    "paid" has not arrived; when it does, it is an old version.
    """
    if state is TradeState.WAIT_PAY:
        return Effect.PAY_AND_REFUND if whole else Effect.RECORD
    if state is TradeState.WAIT_USE and paid_by == payment_sn:
        return Effect.REFUND
    return Effect.RECORD


def cause_of_return(state: TradeState, paid_by: str | None, payment_sn: str) -> RefundCause | None:
    """Why a payment was refunded whose order keeps its state; None: goodwill, or unknown."""
    if paid_by == payment_sn or state is TradeState.WAIT_PAY:
        return None
    return RefundCause.LATE_PAYMENT if state is TradeState.CANCELLED else RefundCause.DUPLICATE_PAYMENT
