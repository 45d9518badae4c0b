"""Line and bar charts as numbers of an SVG drawing; `templates/console/charts.html` draws them. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from servicekit.clock import SHANGHAI

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 28
"""Room for the labels around the plot, in the drawing's units."""
TICKS = 4
Point = tuple[float, float]


@dataclass(frozen=True)
class Lines:
    """By name of the series: `paths` as SVG path data, and `dots` where a value stands alone. Ticks are (place, label).
    All in the drawing's units."""

    paths: Mapping[str, str]
    dots: Mapping[str, Sequence[Point]]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Bar:
    label: str
    count: int
    width: float


def lines(
    since: datetime,
    until: datetime,
    step: timedelta,
    series: Mapping[str, Mapping[datetime, float]],
    *,
    every: timedelta,
    absent: float | None,
) -> Lines:
    """Series of values by the begin of their step, on one scale. A step without a value counts as `absent`; None breaks
    the line there. An x tick stands at each whole `every` of Shanghai's clock."""
    steps = [since + step * place for place in range(int((until - since) / step))]
    top = ceiling(max((value for values in series.values() for value in values.values()), default=0))

    def x(moment: datetime) -> float:
        return round(LEFT + (moment - since) / (until - since) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM), 1)

    def runs(values: Mapping[datetime, float]) -> list[list[Point]]:
        """The points of a series, parted where a value is missing."""
        found: list[list[Point]] = [[]]
        for moment in steps:
            if (value := values.get(moment, absent)) is not None:
                found[-1].append((x(moment), y(value)))
            elif found[-1]:
                found.append([])
        return found

    parted = {name: runs(values) for name, values in series.items()}
    return Lines(
        {name: "".join(_path(run) for run in found if len(run) > 1) for name, found in parted.items()},
        {name: [run[0] for run in found if len(run) == 1] for name, found in parted.items()},
        [(x(moment), f"{moment.astimezone(SHANGHAI):%H:%M}") for moment in _whole(since, until, every)],
        [(y(top * part / TICKS), f"{top * part / TICKS:g}") for part in range(TICKS + 1)],
    )


def bars(counts: Sequence[tuple[str, int]]) -> list[Bar]:
    """(label, count) as bars, the longest as wide as the plot."""
    most = max((count for _, count in counts), default=1)
    return [Bar(label, count, round(count / most * (WIDTH - 80), 1)) for label, count in counts]


def ceiling(value: float) -> float:
    """The least 1, 2 or 5 times a power of ten that is not below `value`; 1 for nothing."""
    if value <= 0:
        return 1
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= value)


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{place} {height}" for place, height in points)


def _whole(since: datetime, until: datetime, every: timedelta) -> list[datetime]:
    """The multiples of `every` after Shanghai's midnight between both."""
    midnight = since.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    first = -(-(since - midnight) // every)
    return [moment for n in range(first, first + 100) if (moment := midnight + every * n) < until]
