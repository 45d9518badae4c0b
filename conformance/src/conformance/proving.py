"""`make conformance-test`: the kit itself is right. Every implementation of ours is green, and each deliberately broken one
is red in the cases that concern it, and in no other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from conformance.cases import Case, Result, Verdict
from conformance.seats import Seat

W = TypeVar("W")

BROKEN: Mapping[str, frozenset[str]] = {
    "no-inbox": frozenset({"duplicate-takes-effect-once", "received-events"}),
    "wrong-retry": frozenset({"database-down-retry", "database-down-kafka"}),
    "unsigned-app-token": frozenset({"app-token", "app-token-event"}),
}
"""Defects of conformance/broken, and the cases that must fail with them."""


@dataclass(frozen=True)
class Trial:
    """One implementation and the cases that must fail with it. A broken one need not be killed and doubled as well."""

    seat: Seat
    must_fail: frozenset[str] = frozenset()

    def cases(self, every: list[Case[W]]) -> list[Case[W]]:
        return [each for each in every if not self.must_fail or not (each.needs_control or each.is_slow)]


def trials(role: str, seats: Mapping[str, Seat]) -> Iterator[Trial]:
    """`seats`: the good implementations by name."""
    for seat in seats.values():
        yield Trial(seat)
    if role == "notification":
        for broken, must_fail in BROKEN.items():
            yield Trial(Seat.python(role, broken), must_fail)


def surprises(trial: Trial, verdicts: list[Verdict]) -> list[str]:
    """What is not as it must be, a line each; none where the kit is right."""
    failed = {each.case: each.reason for each in verdicts if each.result is Result.FAIL}
    told = [f"{name} failed: {reason}" for name, reason in failed.items() if name not in trial.must_fail]
    told += [f"{name} did not fail" for name in sorted(trial.must_fail - failed.keys())]
    return told + [f"{each.case} was not run: {each.reason}" for each in verdicts if each.result is Result.NOT_RUN]
