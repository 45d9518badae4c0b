"""What WeChat says beside what our books say, field by field. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from payment.ledger.reviews import Reason

Said = TypeVar("Said")
Ours = TypeVar("Ours")


@dataclass(frozen=True)
class ComparedField(Generic[Said, Ours]):
    """One field: the notice's `reason` when it does not fit, what it is called there, and where either side has it. A side
    that has nothing (None, "") contradicts nothing, unless the field is `required` of WeChat."""

    reason: Reason
    what: str
    said: Callable[[Said], object]
    ours: Callable[[Ours], object]
    required: bool = False


def find_mismatch(table: Iterable[ComparedField[Said, Ours]], said: Said, ours: Ours) -> tuple[Reason, str] | None:
    """The first field that does not fit, as (reason, detail), or None."""
    for each in table:
        theirs = each.said(said)
        if theirs in {None, ""} and not each.required:
            continue
        mine = each.ours(ours)
        if mine is not None and theirs != mine:
            return each.reason, f"WeChat says {each.what} {theirs}, ours is {mine}"
    return None
