"""State machine of a payment: allowed transitions, and the effect of WeChat's trade states. Pure."""

from enum import IntEnum
from typing import Final


class PayStatus(IntEnum):
    """The source system's numbers."""

    CLOSED = -1
    WAITING = 0
    PAID = 1
    REFUNDED = 2


ALLOWED: Final = frozenset(
    {
        (PayStatus.WAITING, PayStatus.PAID),
        (PayStatus.WAITING, PayStatus.CLOSED),
        (PayStatus.CLOSED, PayStatus.PAID),  # paid while we closed it; order then requests the refund
        (PayStatus.PAID, PayStatus.PAID),  # a part was refunded: a new version of the same status
        (PayStatus.PAID, PayStatus.REFUNDED),
    }
)

PAID_TRADE_STATES: Final = frozenset({"SUCCESS", "REFUND"})
"""REFUND implies paid; WeChat reports it after a partial refund as well."""
CLOSED_TRADE_STATES: Final = frozenset({"CLOSED", "REVOKED"})


class IllegalTransition(Exception):
    """A transition that is not in `ALLOWED`: a bug."""


def next_status(current: PayStatus, trade_state: str) -> PayStatus:
    """The status after a verdict with `trade_state`; NOTPAY, USERPAYING, PAYERROR and unknown values change nothing."""
    if trade_state in PAID_TRADE_STATES:
        return PayStatus.PAID if current in {PayStatus.WAITING, PayStatus.CLOSED} else current
    if trade_state in CLOSED_TRADE_STATES and current is PayStatus.WAITING:
        return PayStatus.CLOSED
    return current


def check(current: PayStatus, following: PayStatus) -> None:
    """Raises IllegalTransition unless the transition is allowed."""
    if (current, following) not in ALLOWED:
        raise IllegalTransition(f"{current.name} → {following.name}")
