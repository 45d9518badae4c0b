"""What may follow what: the pay states of a payment, and what WeChat's word makes of each. Pure."""

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
        (PayStatus.CLOSED, PayStatus.PAID),  # WeChat was faster than our close; the order then asks for its refund
        (PayStatus.PAID, PayStatus.REFUNDED),
    }
)

PAID_TRADE_STATES: Final = frozenset({"SUCCESS", "REFUND"})
"""REFUND means that it was paid first: a partial refund shows it too."""
CLOSED_TRADE_STATES: Final = frozenset({"CLOSED", "REVOKED"})


class IllegalTransition(Exception):
    """A defect of ours: nobody may ask for this change."""


def next_status(current: PayStatus, trade_state: str) -> PayStatus:
    """The status after WeChat said `trade_state` (NOTPAY, USERPAYING, PAYERROR and unknown words change nothing)."""
    if trade_state in PAID_TRADE_STATES:
        return PayStatus.PAID if current in {PayStatus.WAITING, PayStatus.CLOSED} else current
    if trade_state in CLOSED_TRADE_STATES and current is PayStatus.WAITING:
        return PayStatus.CLOSED
    return current


def check(current: PayStatus, following: PayStatus) -> None:
    """Raises IllegalTransition unless the table has it."""
    if (current, following) not in ALLOWED:
        raise IllegalTransition(f"{current.name} → {following.name}")
