"""The history of an order for its page: its changes of state, and the refunds that were requested for it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from order.models import OrderRefund, OrderTransition
from order.states import RequestState


@dataclass(frozen=True)
class Entry:
    """`state` after it, `from_state` before it (None: the order was created); a refund leaves the state as it is, and has
    its amount in fen."""

    state: int
    from_state: int | None
    cause: str
    at: datetime
    refund_fen: int | None = None


def of(transitions: Sequence[OrderTransition], refunds: Sequence[OrderRefund]) -> list[Entry]:
    """Oldest first. Causes of refunds: `refund-requested`, then `refund-returned` or `refund-failed`."""
    changes = [Entry(each.to_state, each.from_state, each.cause, each.created_at) for each in transitions]
    moments = [(f"refund-{RequestState.REQUESTED}", each.requested_at, each.refund_fen) for each in refunds]
    moments += [(f"refund-{each.state}", each.ended_at, each.refund_fen) for each in refunds if each.ended_at]
    entries = list(changes)
    for cause, at, fen in moments:
        state = [change.state for change in changes if change.at <= at][-1]
        entries.append(Entry(state, state, cause, at, fen))
    return sorted(entries, key=attrgetter("at"))
