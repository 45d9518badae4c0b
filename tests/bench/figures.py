"""What a benchmark found, as a table for people and as JSON for scripts."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One figure of one run. `floor` is the same measured without our services, in the same run. `target` is what we aim
    at: at least so much, or at most where `less_is_better`."""

    name: str
    unit: str
    value: float
    floor: float | None = None
    target: float | None = None
    less_is_better: bool = False
    by_part: Mapping[str, float] = field(default_factory=dict)
    """Processor time in ms for one unit of work, by part."""
    note: str = ""
    series: Sequence[Mapping[str, float]] = field(default_factory=list)
    """Points of a plot: what was measured at each rate that was offered, or at each moment."""


@dataclass(frozen=True)
class Row:
    """One figure of several runs."""

    name: str
    unit: str
    values: Sequence[float]
    floors: Sequence[float]
    target: float | None
    less_is_better: bool
    by_part: Mapping[str, float]
    note: str
    series: Sequence[Mapping[str, float]] = field(default_factory=list)

    def as_figures(self) -> list[Figure]:
        """One for each run: `rows_of` puts runs of several programs together."""
        floors: Sequence[float | None] = self.floors or [None] * len(self.values)
        common = (self.target, self.less_is_better, self.by_part, self.note, self.series)
        return [
            Figure(self.name, self.unit, value, floor, *common)
            for value, floor in zip(self.values, floors, strict=True)
        ]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def floor(self) -> float | None:
        return statistics.median(self.floors) if self.floors else None

    @property
    def ratio(self) -> float | None:
        """Of the median to the floor's."""
        return self.median / self.floor if self.floor else None

    @property
    def spread(self) -> float:
        """From the smallest to the largest run, in percent of the median; 0 for one run."""
        return 100 * (max(self.values) - min(self.values)) / self.median if self.median else 0.0

    @property
    def is_met(self) -> bool | None:
        if self.target is None:
            return None
        return self.median <= self.target if self.less_is_better else self.median >= self.target


def rows_of(figures: Iterable[Figure]) -> list[Row]:
    """One row for each name, in the order of their first figures."""
    by_name: dict[str, list[Figure]] = {}
    for figure in figures:
        by_name.setdefault(figure.name, []).append(figure)
    return [_row(found) for found in by_name.values()]


def _row(found: Sequence[Figure]) -> Row:
    parts = {part for figure in found for part in figure.by_part}
    by_part = {part: statistics.median(figure.by_part.get(part, 0.0) for figure in found) for part in parts}
    first, last = found[0], found[-1]
    return Row(
        first.name,
        first.unit,
        [figure.value for figure in found],
        [figure.floor for figure in found if figure.floor is not None],
        first.target,
        first.less_is_better,
        dict(sorted(by_part.items(), key=lambda each: -each[1])),
        last.note,
        last.series,
    )


HEAD = ("", "median", "spread", "floor", "×", "target", "")


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table, as HEAD names its columns."""
    return (
        row.name,
        f"{_short(row.median)} {row.unit}",
        f"{row.spread:.0f} % of {len(row.values)}" if len(row.values) > 1 else "",
        "" if row.floor is None else _short(row.floor),
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.target is None else f"{'≤' if row.less_is_better else '≥'} {_short(row.target)}",
        {None: "", True: "met", False: "missed"}[row.is_met],
    )


def show(rows: Sequence[Row], console: Console) -> None:
    table = Table(*HEAD, box=None, header_style="bold")
    for row in rows:
        table.add_row(*cells(row), style="red" if row.is_met is False else "")
    console.print(table)
    for row in rows:
        if row.by_part:
            console.print(f"[bold]{row.name}[/bold], ms by part: {parts_of(row)}")
        if row.note:
            console.print(f"[bold]{row.name}[/bold]: {row.note}")


def parts_of(row: Row) -> str:
    parts = ", ".join(f"{part} {ms:.2f}" for part, ms in row.by_part.items() if ms >= 0.005)
    return f"{parts}; all {sum(row.by_part.values()):.2f}"


def as_json(rows: Sequence[Row], machine: Mapping[str, float]) -> str:
    """`of_json` reads it again; the medians, ratios and judgements are there for other scripts."""
    found = [
        asdict(row) | {"median": row.median, "floor": row.floor, "ratio": row.ratio, "met": row.is_met} for row in rows
    ]
    return json.dumps({"machine": machine, "rows": found}, indent=2, ensure_ascii=False)


def of_json(text: str) -> tuple[list[Row], dict[str, float]]:
    """The rows and the speed of the machine that `as_json` wrote."""
    whole = json.loads(text)
    names = {each.name for each in fields(Row)}
    return [Row(**{name: each[name] for name in names & set(each)}) for each in whole["rows"]], whole["machine"]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
