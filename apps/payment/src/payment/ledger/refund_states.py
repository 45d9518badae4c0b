"""What may follow what with a refund, and what WeChat's word makes of each state. Pure."""

from enum import StrEnum
from typing import Final


class RefundState(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    ABNORMAL = "abnormal"
    """WeChat could not give the money back (the buyer's card is gone): a person chooses another way, and it stays so until
    that way has ended: no word of WeChat tells a second try from the first one's echo."""
    CLOSED = "closed"
    """This number will never move money: WeChat closed it, or refused it for good."""


ALLOWED: Final = frozenset(
    {
        (RefundState.REQUESTED, RefundState.ACCEPTED),
        (RefundState.REQUESTED, RefundState.SUCCEEDED),
        (RefundState.REQUESTED, RefundState.ABNORMAL),
        (RefundState.REQUESTED, RefundState.CLOSED),
        (RefundState.ACCEPTED, RefundState.SUCCEEDED),
        (RefundState.ACCEPTED, RefundState.ABNORMAL),
        (RefundState.ACCEPTED, RefundState.CLOSED),
        (RefundState.ABNORMAL, RefundState.SUCCEEDED),
        (RefundState.ABNORMAL, RefundState.CLOSED),
    }
)

STATE_BY_WECHAT_STATUS: Final = {
    "PROCESSING": RefundState.ACCEPTED,
    "SUCCESS": RefundState.SUCCEEDED,
    "ABNORMAL": RefundState.ABNORMAL,
    "CLOSED": RefundState.CLOSED,
}
HOLDS_MONEY: Final = (RefundState.REQUESTED, RefundState.ACCEPTED, RefundState.SUCCEEDED, RefundState.ABNORMAL)
"""What counts against the payment's total; a closed refund gives its share free."""
UNSETTLED: Final = (RefundState.REQUESTED, RefundState.ACCEPTED, RefundState.ABNORMAL)


class ContradictoryStatus(Exception):
    """WeChat says of an ended refund that it ended otherwise: a person must look."""


def next_state(current: RefundState, word: str) -> RefundState:
    """The state after WeChat said `word`. What comes late or twice changes nothing; unknown words neither.

    Raises ContradictoryStatus.
    """
    following = STATE_BY_WECHAT_STATUS.get(word, current)
    if following is current or (current, following) in ALLOWED:
        return following
    if following in {RefundState.ACCEPTED, RefundState.ABNORMAL}:
        return current  # an older word that was overtaken
    raise ContradictoryStatus(f"{current} → {following}")
