"""What a benchmark found, as a table for people and as JSON for scripts."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

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

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def floor(self) -> float | None:
        return statistics.median(self.floors) if self.floors else None

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
    )


def show(rows: Sequence[Row], console: Console) -> None:
    table = Table("", "median", "runs", "floor", "×", "target", "", box=None, header_style="bold")
    for row in rows:
        table.add_row(
            row.name,
            f"{_short(row.median)} {row.unit}",
            " ".join(_short(each) for each in row.values),
            "" if row.floor is None else _short(row.floor),
            "" if not row.floor else f"{row.median / row.floor:.2f}",
            "" if row.target is None else f"{'≤' if row.less_is_better else '≥'} {_short(row.target)}",
            {None: "", True: "met", False: "[red]missed[/red]"}[row.is_met],
        )
    console.print(table)
    for row in rows:
        if row.by_part:
            parts = ", ".join(f"{part} {ms:.2f}" for part, ms in row.by_part.items() if ms >= 0.005)
            console.print(f"[bold]{row.name}[/bold], ms by part: {parts}; all {sum(row.by_part.values()):.2f}")
        if row.note:
            console.print(f"[bold]{row.name}[/bold]: {row.note}")


def as_json(rows: Sequence[Row], machine: Mapping[str, float]) -> str:
    found = [asdict(row) | {"median": row.median, "floor": row.floor, "met": row.is_met} for row in rows]
    return json.dumps({"machine": machine, "rows": found}, indent=2, ensure_ascii=False)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
