"""What was tried and what answered."""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

ENDED = 0
"""In place of a status: the connection was ended without a response, which refuses as well."""
SHOWN = 40
SIDE_BY_SIDE = 6


@dataclass(frozen=True, slots=True)
class Attempt:
    """One cell of the matrix. `answered` is a status or ENDED; `damage` says what the attempt changed or gave away, and is
    empty when it was nothing."""

    group: str
    what: str
    expected: Collection[int]
    answered: int
    damage: str = ""

    @property
    def is_server_error(self) -> bool:
        return self.answered >= 500

    @property
    def is_as_it_should(self) -> bool:
        return self.answered in self.expected and not self.damage


def side_by_side(attempts: Iterable[Callable[[], Attempt]]) -> Iterator[Attempt]:
    """Makes attempts that do not depend on one another, some at a time; yields them in their order."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield from pool.map(lambda make: make(), attempts)


@dataclass(frozen=True, slots=True)
class Report:
    attempts: list[Attempt]

    @property
    def wrong(self) -> list[Attempt]:
        return [each for each in self.attempts if not each.is_as_it_should]

    @property
    def server_errors(self) -> list[Attempt]:
        return [each for each in self.attempts if each.is_server_error]

    def figures(self) -> dict[str, Any]:
        return {
            "attempts": len(self.attempts),
            "server_errors": len(self.server_errors),
            "wrong": [asdict(each) | {"expected": sorted(each.expected)} for each in self.wrong],
            "by_group": {group: _counts(some) for group, some in _by_group(self.attempts).items()},
        }

    def show(self, console: Console) -> None:
        table = Table("attempts", "tried", "as they should", "answered otherwise", "5xx", "statuses")
        for group, some in _by_group(self.attempts).items():
            counts = _counts(some)
            statuses = ", ".join(f"{status or 'ended'}: {count}" for status, count in counts["statuses"].items())
            otherwise, errors = counts["tried"] - counts["as_they_should"], counts["server_errors"]
            table.add_row(
                group, str(counts["tried"]), str(counts["as_they_should"]), str(otherwise), str(errors), statuses
            )
        console.print(table)
        for each in self.wrong[:SHOWN]:
            expected = " or ".join(str(status or "ended") for status in sorted(each.expected))
            console.print(
                f"[red]{each.group}[/]: {each.what}: {each.answered or 'ended'}, not {expected}. {each.damage}",
                highlight=False,
            )
        if len(self.wrong) > SHOWN:
            console.print(f"… and {len(self.wrong) - SHOWN} more (--json has them all)")
        console.print(
            f"{len(self.attempts)} attempts, {len(self.wrong)} answered otherwise than they should be, "
            f"{len(self.server_errors)} × 5xx"
        )


def _by_group(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    groups: dict[str, list[Attempt]] = {}
    for each in attempts:
        groups.setdefault(each.group, []).append(each)
    return groups


def _counts(attempts: list[Attempt]) -> dict[str, Any]:
    statuses: dict[int, int] = {}
    for each in attempts:
        statuses[each.answered] = statuses.get(each.answered, 0) + 1
    return {
        "tried": len(attempts),
        "as_they_should": sum(each.is_as_it_should for each in attempts),
        "server_errors": sum(each.is_server_error for each in attempts),
        "statuses": dict(sorted(statuses.items())),
    }
