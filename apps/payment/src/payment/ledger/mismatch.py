"""Compares a verdict of WeChat with the ledger, field by field. Which fields: MERCHANT_FIELDS and COMPARED_FIELDS in
`payments.py`, COMPARED_FIELDS in `refunds.py`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from payment.ledger.reviews import Reason

Said = TypeVar("Said")
Ours = TypeVar("Ours")


@dataclass(frozen=True)
class ComparedField(Generic[Said, Ours]):
    """One field: the `reason` of a mismatch, its name in the detail text, and how to read it on either side. A missing
    value (None, "") matches anything, unless the field is `required` of WeChat."""

    reason: Reason
    what: str
    said: Callable[[Said], object]
    ours: Callable[[Ours], object]
    required: bool = False


def find_mismatch(table: Iterable[ComparedField[Said, Ours]], said: Said, ours: Ours) -> tuple[Reason, str] | None:
    """The first mismatch as (reason, detail), or None."""
    for each in table:
        theirs = each.said(said)
        if theirs in {None, ""} and not each.required:
            continue
        mine = each.ours(ours)
        if mine is not None and theirs != mine:
            return each.reason, f"WeChat says {each.what} {theirs}, ours is {mine}"
    return None
