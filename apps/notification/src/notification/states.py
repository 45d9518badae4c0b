"""What a task may be, how it may move, and what an attempt's end means for it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

PAID_ORDER, REFUNDED_ORDER = 1, 3
"""The trade states (contract tradestate-updated.v1) in which an order's guest has something to be told."""

REFUSED_BY_USER = 43101


class Kind(StrEnum):
    """The messages about an order. The first three are sent once; the others once for each of their subjects."""

    PAID = "paid"
    BEFORE_ARRIVAL = "before_arrival"
    REFUNDED = "refunded"
    GIVEN_BACK = "given_back"
    """To the buyer: a payment's money is back and the order stays as it is. The subject is the payment's number."""
    REFUND_ASKED = "refund_asked"
    """To the merchant, who is to decide. The subject is the moment of the request."""


STAY_KINDS = (Kind.PAID, Kind.BEFORE_ARRIVAL)
"""Of no use once the order has gone on. That it was refunded stays true: that message is never called off."""

KINDS_BY_TRADE_STATE: dict[int, tuple[Kind, ...]] = {PAID_ORDER: STAY_KINDS, REFUNDED_ORDER: (Kind.REFUNDED,)}

KIND_BY_REFUND_STATE = {"asked": Kind.REFUND_ASKED, "returned": Kind.GIVEN_BACK}
"""By the `refundState` of contract refund-updated.v1."""


class TaskState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    REFUSED = "refused"
    """The user's own no: this message was not accepted, or there is no WeChat account to send it to."""
    INVALID = "invalid"
    """Our mistake: a template, a field, a page or an openid is wrong. Sent again when that is corrected."""
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
    """The user does not accept this message."""
    INVALID = "invalid"
    """WeChat rejects what we sent, and would again."""
    FAILED = "failed"
    """WeChat said no, for now."""
    NOT_SENT = "not_sent"
    """It never came to sending: order, usercenter or the access token could not be had."""


_ALLOWED: dict[TaskState, frozenset[TaskState]] = {
    TaskState.PENDING: frozenset(
        {TaskState.SENT, TaskState.REFUSED, TaskState.INVALID, TaskState.DEAD, TaskState.CANCELLED}
    ),
    # An attempt that was under way when the task left `pending` may still be accepted: the truth is that it was sent.
    TaskState.REFUSED: frozenset({TaskState.PENDING, TaskState.SENT}),
    TaskState.INVALID: frozenset({TaskState.PENDING, TaskState.SENT}),
    TaskState.DEAD: frozenset({TaskState.PENDING, TaskState.SENT}),
    TaskState.CANCELLED: frozenset({TaskState.SENT}),
    TaskState.SENT: frozenset(),
}

ENDED: dict[Outcome, TaskState] = {Outcome.REFUSED: TaskState.REFUSED, Outcome.INVALID: TaskState.INVALID}
"""Where an attempt that no retry helps leads. Every other failure is tried again, and is dead in the end."""


def may_move(before: TaskState, after: TaskState) -> bool:
    return after in _ALLOWED[before]


@dataclass(frozen=True)
class Selection:
    """Which tasks an operator means; None is any."""

    state: TaskState | None = None
    cause: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True)
class Verdict:
    """What came of asking WeChat to send: `outcome` as far as this one attempt shows it, `cause` in one short name that
    an operator selects by."""

    outcome: Outcome
    detail: str
    errcode: int | None = None
    cause: str | None = None


def conclude(verdict: Verdict, *, doubtful: bool) -> tuple[Outcome, TaskState]:
    """The attempt's outcome, and where its task goes; PENDING means that it is to be tried again.

    `doubtful`: an earlier attempt of the task ended unknown. A user's permission serves once, so a refusal now says
    that the earlier attempt used it up.
    """
    if verdict.outcome is Outcome.ACCEPTED:
        return Outcome.ACCEPTED, TaskState.SENT
    if verdict.outcome is Outcome.REFUSED and doubtful and verdict.errcode == REFUSED_BY_USER:
        return Outcome.PRESUMED, TaskState.SENT
    return verdict.outcome, ENDED.get(verdict.outcome, TaskState.PENDING)
