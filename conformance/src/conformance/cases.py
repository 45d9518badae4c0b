"""A case: one thing that the contract asks of a service, with the function that tries it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

W = TypeVar("W")
Later = Callable[[], None]
"""The rest of a case whose end takes long: called after all other cases have begun."""


class Result(StrEnum):
    PASS = "PASS"  # noqa: S105 - a result
    FAIL = "FAIL"
    NOT_RUN = "NOT RUN"


@dataclass(frozen=True)
class Verdict:
    """`reason`: why it failed or was not run. `seconds`: how long it took."""

    case: str
    title: str
    result: Result
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Case(Generic[W]):
    """`id` is stable, for reports and ONLY=. `needs_control`: the kit must be able to start, stop and double the app
    itself. `is_slow`: it waits for a lease to end."""

    id: str
    title: str
    run: Callable[[W], Later | None]
    needs_control: bool = False
    is_slow: bool = False


@dataclass(frozen=True)
class Cases(Generic[W]):
    """Collects the cases of a role, in the order in which they are run."""

    found: list[Case[W]] = field(default_factory=list)

    def case(
        self, name: str, title: str, *, needs_control: bool = False, is_slow: bool = False
    ) -> Callable[[Callable[[W], Later | None]], Callable[[W], Later | None]]:
        """Registers the decorated function. Raises ValueError for a name that is taken."""

        def register(run: Callable[[W], Later | None]) -> Callable[[W], Later | None]:
            if any(each.id == name for each in self.found):
                raise ValueError(f"two cases are called {name}")
            self.found.append(Case(name, title, run, needs_control, is_slow))
            return run

        return register

    def include(self, others: "Cases[Any]") -> None:
        """Add cases that other roles have as well. Raises ValueError for a name that is taken."""
        for each in others.found:
            self.case(each.id, each.title, needs_control=each.needs_control, is_slow=each.is_slow)(each.run)

    def chosen(self, only: Iterable[str]) -> list[Case[W]]:
        """Those whose id begins with one of `only`; all when there is none. Raises ValueError for one that fits no case."""
        wanted = tuple(only)
        if unknown := [each for each in wanted if not any(case.id.startswith(each) for case in self.found)]:
            known = sorted({case.id.partition("-")[0] for case in self.found})
            raise ValueError(f"no case is called {', '.join(unknown)}; they begin with {', '.join(known)}")
        return [case for case in self.found if not wanted or case.id.startswith(wanted)]
