"""States of a task, their transitions, and the effect of an attempt's outcome. Pure."""

from dataclasses import dataclass
from enum import StrEnum

PAID_ORDER, REFUNDED_ORDER = 1, 3
"""The trade states (contract tradestate-updated.v1) that lead to a message."""

REFUSED_BY_USER = 43101


class Kind(StrEnum):
    """Kinds of messages. The first three are sent once per order, the others once per subject."""

    PAID = "paid"
    BEFORE_ARRIVAL = "before_arrival"
    """Carries the check-in code. Sent when the order is paid, not on a date."""
    REFUNDED = "refunded"
    GIVEN_BACK = "given_back"
    """To the buyer: a payment was refunded, or a part of one, the trade state stays. The subject is the payment's number;
    of a part, the time when it was reported."""
    REFUND_ASKED = "refund_asked"
    """To the merchant, who has to decide. The subject is the time of the request."""


STAY_KINDS = (Kind.PAID, Kind.BEFORE_ARRIVAL)
"""Cancelled when the order leaves the paid state. REFUNDED stays true and is never cancelled."""

KINDS_BY_TRADE_STATE: dict[int, tuple[Kind, ...]] = {PAID_ORDER: STAY_KINDS, REFUNDED_ORDER: (Kind.REFUNDED,)}

KIND_BY_REFUND_STATE = {
    "asked": Kind.REFUND_ASKED,
    "returned": Kind.GIVEN_BACK,
    "part-returned": Kind.GIVEN_BACK,
}
"""By the `refundState` of contract refund-updated.v1."""
SEVERAL_OF_A_PAYMENT = frozenset({"asked", "part-returned"})
"""Refund states that may be reported several times of one payment: the time tells one from another."""


class TaskState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    REFUSED = "refused"
    """The user did not accept this message, or has no openid."""
    INVALID = "invalid"
    """Our error: a wrong template, field, page or openid. Can be resent when that is corrected."""
    DEAD = "dead"
    """Given up after the last try, without a definite answer."""
    CANCELLED = "cancelled"
    """The order's state changed before the message was sent."""


class Outcome(StrEnum):
    """Outcome of an attempt."""

    UNKNOWN = "unknown"
    """It is not known whether WeChat took the message: a crash, a timeout, an unreadable answer."""
    ACCEPTED = "accepted"
    PRESUMED = "presumed"
    """Answer 43101 after an attempt of unknown outcome: that one used the user's single permission."""
    REFUSED = "refused"
    """The user does not accept this message."""
    INVALID = "invalid"
    """WeChat rejects the request, and would reject it again."""
    FAILED = "failed"
    """WeChat refused for now."""
    NOT_SENT = "not_sent"
    """Nothing was sent: order, usercenter or the access token was unavailable."""


_ALLOWED: dict[TaskState, frozenset[TaskState]] = {
    TaskState.PENDING: frozenset(
        {TaskState.SENT, TaskState.REFUSED, TaskState.INVALID, TaskState.DEAD, TaskState.CANCELLED}
    ),
    # An attempt in progress when the task left `pending` may still be accepted: then it was sent.
    TaskState.REFUSED: frozenset({TaskState.PENDING, TaskState.SENT}),
    TaskState.INVALID: frozenset({TaskState.PENDING, TaskState.SENT}),
    TaskState.DEAD: frozenset({TaskState.PENDING, TaskState.SENT}),
    TaskState.CANCELLED: frozenset({TaskState.SENT}),
    TaskState.SENT: frozenset(),
}

ENDED: dict[Outcome, TaskState] = {Outcome.REFUSED: TaskState.REFUSED, Outcome.INVALID: TaskState.INVALID}
"""Final task states by outcome. Every other failure is retried, and ends as DEAD."""


def may_move(before: TaskState, after: TaskState) -> bool:
    return after in _ALLOWED[before]


@dataclass(frozen=True)
class Selection:
    """Filter of tasks; None matches any."""

    state: TaskState | None = None
    cause: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True)
class Verdict:
    """The result of one send: `outcome` as far as this attempt alone shows, `cause` a short name for selections."""

    outcome: Outcome
    detail: str
    errcode: int | None = None
    cause: str | None = None


def conclude(verdict: Verdict, *, doubtful: bool) -> tuple[Outcome, TaskState]:
    """The attempt's outcome, and the task's new state; PENDING means a retry.

    `doubtful`: the outcome of an earlier attempt is unknown. A user's permission is for one message, so a refusal now means
    that the earlier attempt used it.
    """
    if verdict.outcome is Outcome.ACCEPTED:
        return Outcome.ACCEPTED, TaskState.SENT
    if verdict.outcome is Outcome.REFUSED and doubtful and verdict.errcode == REFUSED_BY_USER:
        return Outcome.PRESUMED, TaskState.SENT
    return verdict.outcome, ENDED.get(verdict.outcome, TaskState.PENDING)
