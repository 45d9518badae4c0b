"""Runs cases one after another; what one leaves behind is put right before the next."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from conformance.cases import Case, Later, Result, Verdict
from conformance.expecting import Unmet

NEEDS_CONTROL = "the kit has to start, stop and double the app itself: give SEAT=… or RUN=… instead of APP=…"


class World(Protocol):
    """What the cases of a role are given."""

    @property
    def controls_app(self) -> bool: ...

    def restore(self) -> None:
        """No faults, every part there, one replica of the app that is ready."""


W = TypeVar("W", bound=World)


def run(cases: Sequence[Case[W]], world: W, tell: Callable[[Verdict], None]) -> list[Verdict]:
    """A verdict for each case, in their order; `tell` hears of each when it is known. A case's later part is run when all
    others are done."""
    known: dict[str, Verdict] = {}
    left: list[tuple[Case[W], Later, float]] = []

    def note(verdict: Verdict) -> None:
        known[verdict.case] = verdict
        tell(verdict)

    for case in cases:
        if case.needs_control and not world.controls_app:
            note(Verdict(case.id, case.title, Result.NOT_RUN, NEEDS_CONTROL))
            continue
        began = time.monotonic()
        later: list[Later] = []
        failure = _attempt(lambda case=case, later=later: _begin(case, world, later))  # type: ignore[misc]  # mypy sees no type in a bound default
        took = time.monotonic() - began
        if later and failure is None:
            left.append((case, later[0], took))
        else:
            note(_verdict(case, failure, took))
    for case, end, took in left:
        began = time.monotonic()
        failure = _attempt(end)
        note(_verdict(case, failure, took + time.monotonic() - began))
    return [known[case.id] for case in cases]


def _begin(case: Case[W], world: W, later: list[Later]) -> None:
    world.restore()
    if (end := case.run(world)) is not None:
        later.append(end)


def _attempt(work: Callable[[], None]) -> str | None:
    """Why it failed; None when it did not."""
    try:
        work()
    except Unmet as unmet:
        return str(unmet)
    except Exception as error:  # noqa: BLE001 - an app that answers nothing sensible must not end the run
        return f"{type(error).__name__}: {error}"[:400]
    return None


def _verdict(case: Case[W], failure: str | None, seconds: float) -> Verdict:
    result = Result.PASS if failure is None else Result.FAIL
    return Verdict(case.id, case.title, result, failure or "", seconds)


def failed(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """The ids of the cases that failed."""
    return (each.case for each in verdicts if each.result is Result.FAIL)
