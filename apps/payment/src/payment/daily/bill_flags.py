"""Which differences are flagged for review without asking WeChat, and why. Pure: no database, no network."""

from collections.abc import Mapping
from dataclasses import dataclass

from payment.ledger.refund_states import UNSETTLED
from payment.ledger.reviews import Reason
from payment.models import ReconciliationDifference as Difference

ENDED_AS_BILLED = {"SUCCESS": "succeeded", "FAIL": "closed"}
"""A bill's status of refunds that have ended, and our state."""
BILLED_STATES = frozenset({"SUCCESS", "PROCESSING", "CHANGE", "FAIL"})
NOT_THERE = "the ledger has it, the day's bill does not"


@dataclass(frozen=True)
class Flag:
    """An entry of the review queue. `about` stands where a payment's number would, for a line without one."""

    reason: Reason
    detail: str
    about: str = ""


def flag_of(found: Difference) -> Flag | None:
    """None for a difference that WeChat must be queried about."""
    if found.subject == "line":
        line = found.line or {}
        detail = f"{found.number.rpartition(' ')[0]}: {line.get('why')}: {line.get('text')}"
        return Flag(Reason.UNREADABLE, detail, about=f"bill {found.bill_date}")
    return _of_payment(found) if found.subject == "payment" else _of_refund(found)


def _of_payment(found: Difference) -> Flag | None:
    if found.line is None:
        return Flag(Reason.NOT_ON_BILL, NOT_THERE)
    if found.ours_state is None:
        return Flag(Reason.UNKNOWN_NUMBER, "no payment has this number")
    if found.theirs_state != "SUCCESS":
        return Flag(Reason.BILL_STATE, f"the bill says {found.theirs_state}")
    if found.ours_state in {"waiting", "closed"}:
        return None
    if found.kind == "amount":
        return Flag(Reason.AMOUNT, _amounts(found))
    return Flag(Reason.TRANSACTION, "the payment is settled by another transaction")


def _of_refund(found: Difference) -> Flag | None:
    if found.ours_state is None:
        return Flag(Reason.REFUND_UNKNOWN, "no refund of ours has this number")
    if found.line is None:
        return None
    if found.theirs_state not in BILLED_STATES:
        return Flag(Reason.REFUND_BILL_STATE, _states(found))
    return None if found.ours_state in UNSETTLED else _of_ended_refund(found, found.line)


def _of_ended_refund(found: Difference, line: Mapping[str, str]) -> Flag:
    if found.kind == "amount":
        return Flag(Reason.REFUND_AMOUNT, _amounts(found))
    if line.get("our_payment") != found.payment_sn:
        return Flag(Reason.REFUND_PAYMENT, f"the refund is of payment {line.get('our_payment')}")
    if ENDED_AS_BILLED.get(found.theirs_state or "") == found.ours_state:
        return Flag(Reason.REFUND_ID, "the refund is known to WeChat under another number")
    return Flag(Reason.REFUND_CONTRADICTION, _states(found))


def _states(found: Difference) -> str:
    return f"the bill says {found.theirs_state}, we say {found.ours_state}"


def _amounts(found: Difference) -> str:
    return f"the bill says {found.theirs_fen} fen, ours is {found.ours_fen} fen"
