"""What a task may be, how it may move, and what an attempt's end means for it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

PAID_ORDER, REFUNDED_ORDER = 1, 3
"""The trade states (contract tradestate-updated.v1) in which an order's guest has something to be told."""

REFUSED_BY_USER = 43101


class Kind(StrEnum):
    """The messages of one order; each is sent once."""

    PAID = "paid"
    BEFORE_ARRIVAL = "before_arrival"
    REFUNDED = "refunded"


OF_THE_STAY = (Kind.PAID, Kind.BEFORE_ARRIVAL)
"""Of no use once the order has gone on. That it was refunded stays true: that message is never called off."""

TOLD_AT: dict[int, tuple[Kind, ...]] = {PAID_ORDER: OF_THE_STAY, REFUNDED_ORDER: (Kind.REFUNDED,)}


class TaskState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    REFUSED = "refused"
    """WeChat or the user said no for good; the reason says why."""
    DEAD = "dead"
    """Tried to the bound without an answer that settles it."""
    CANCELLED = "cancelled"
    """The order went on before the message was out."""


class Outcome(StrEnum):
    """How one attempt ended."""

    UNKNOWN = "unknown"
    """Begun, and nobody knows whether WeChat took it: a crash, a timeout, a broken answer."""
    ACCEPTED = "accepted"
    PRESUMED = "presumed"
    """Answered 43101 after an attempt of unknown outcome: that one took the user's one permission."""
    REFUSED = "refused"
    FAILED = "failed"
    """WeChat said no, for now."""
    NOT_SENT = "not_sent"
    """It never came to sending: order, usercenter or the access token could not be had."""


_ALLOWED: dict[TaskState, frozenset[TaskState]] = {
    TaskState.PENDING: frozenset({TaskState.SENT, TaskState.REFUSED, TaskState.DEAD, TaskState.CANCELLED}),
    # An attempt that was under way when the task left `pending` may still be accepted: the truth is that it was sent.
    TaskState.REFUSED: frozenset({TaskState.PENDING, TaskState.SENT}),
    TaskState.DEAD: frozenset({TaskState.PENDING, TaskState.SENT}),
    TaskState.CANCELLED: frozenset({TaskState.SENT}),
    TaskState.SENT: frozenset(),
}


def may_move(before: TaskState, after: TaskState) -> bool:
    return after in _ALLOWED[before]


@dataclass(frozen=True)
class Verdict:
    """What came of asking WeChat to send: `outcome` as far as this one attempt shows it."""

    outcome: Outcome
    detail: str
    errcode: int | None = None


def conclude(verdict: Verdict, *, doubtful: bool) -> tuple[Outcome, TaskState]:
    """The attempt's outcome, and where its task goes; PENDING means that it is to be tried again.

    `doubtful`: an earlier attempt of the task ended unknown. A user's permission serves once, so a refusal now says
    that the earlier attempt used it up.
    """
    if verdict.outcome is Outcome.ACCEPTED:
        return Outcome.ACCEPTED, TaskState.SENT
    if verdict.outcome is Outcome.REFUSED:
        if doubtful and verdict.errcode == REFUSED_BY_USER:
            return Outcome.PRESUMED, TaskState.SENT
        return Outcome.REFUSED, TaskState.REFUSED
    return verdict.outcome, TaskState.PENDING
