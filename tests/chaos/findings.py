"""What a checker may find, and the words it shares with the others."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

LOST, DOUBLED, WRONG, STUCK = "lost", "doubled", "wrong", "stuck"
KINDS = (LOST, DOUBLED, WRONG, STUCK)


@dataclass(frozen=True)
class Finding:
    """`kind` is one of KINDS; `about` the number that one would search for."""

    kind: str
    about: str
    what: str


def chain(about: str, steps: list[tuple[Any, Any]], legal: Collection[tuple[Any, Any]], now: Any) -> Iterator[Finding]:
    """Each step once, legal, from where the one before it ended, to where the row is now."""
    for step, times in Counter(steps).items():
        if times > 1:
            yield Finding(DOUBLED, about, f"went {step[0]} → {step[1]} {times} times")
        if step not in legal:
            yield Finding(WRONG, about, f"went {step[0]} → {step[1]}")
    for before, after in pairwise(steps):
        if before[1] != after[0]:
            yield Finding(WRONG, about, f"went to {before[1]}, then on from {after[0]}")
    if steps and steps[-1][1] != now:
        yield Finding(WRONG, about, f"last went to {steps[-1][1]} and is at {now}")
