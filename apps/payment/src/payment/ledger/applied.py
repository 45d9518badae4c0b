"""What applying a verdict did to the ledger."""

from enum import Enum

from payment.ledger.reviews import Reason, flag_verdict
from payment.wechat.verdicts import RefundVerdict, Verdict
from servicekit.db import Transaction


class Applied(Enum):
    SETTLED = "settled"
    CLOSED = "closed"
    UNCHANGED = "unchanged"
    NEEDS_REVIEW = "needs_review"


async def flagged(tx: Transaction, verdict: Verdict | RefundVerdict, reason: Reason, detail: str) -> Applied:
    """The outcome of a verdict that contradicts the ledger: no state changes, it is flagged for review."""
    await flag_verdict(tx, verdict, reason, detail)
    return Applied.NEEDS_REVIEW
