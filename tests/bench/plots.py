"""SVG pictures of what `make bench --json` wrote: processor time by part, figures beside their floors, rate and latency,
memory under load.

`python -m tests.bench.plots FIGURES.json FOLDER`
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pygal
from pygal.style import LightColorizedStyle

COMMON: dict[str, Any] = {
    "style": LightColorizedStyle,
    "js": [],  # no script from elsewhere in a document
    "width": 900,
    "truncate_legend": -1,
    "truncate_label": -1,
}


def by_part(rows: Iterable[Mapping[str, Any]]) -> pygal.Graph:
    """For each row the processor time in ms of one unit of work, by part."""
    shown = [row for row in rows if row["by_part"]]
    chart = pygal.HorizontalStackedBar(title="Processor time of one unit of work by part, ms", **COMMON)
    chart.x_labels = [row["name"] for row in shown]
    for part in sorted({part for row in shown for part in row["by_part"]}):
        chart.add(part, [round(row["by_part"].get(part, 0.0), 3) for row in shown])
    return chart


def against_floor(rows: Iterable[Mapping[str, Any]]) -> pygal.Graph:
    """Each rate in percent of its floor's in the same run: 100 is what the machine does without our services."""
    shown = [row for row in rows if row["floor"] and row["unit"] == "/s"]
    chart = pygal.HorizontalBar(title="Rate in percent of the floor of the same run", show_legend=False, **COMMON)
    chart.x_labels = [row["name"] for row in shown]
    chart.add("", [round(100 * row["median"] / row["floor"], 1) for row in shown])
    return chart


def rate_and_latency(points: Sequence[Mapping[str, float]]) -> pygal.Graph:
    """Callback → order paid, p50 and p99 in ms, over the rate that was offered."""
    chart = pygal.XY(title="Callback → order paid, ms by callbacks a second", x_title="callbacks/s", **COMMON)
    for name in ("p50_ms", "p99_ms"):
        chart.add(name.removesuffix("_ms"), [(point["rate"], point[name]) for point in points])
    return chart


def memory(samples: Sequence[Mapping[str, float]]) -> pygal.Graph:
    """Memory of each part in MB over the minutes of a soak."""
    chart = pygal.XY(
        title="Memory under load, shared pages once, MB by minute", x_title="minutes", show_dots=False, **COMMON
    )
    for part in sorted(set(samples[-1]) - {"seconds"}, key=lambda each: -samples[-1][each]):
        chart.add(part, [(sample["seconds"] / 60, sample[part]) for sample in samples if part in sample])
    return chart


def charts_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, pygal.Graph]:
    """Every picture that the rows have figures for, by file name."""
    charts = {}
    if any(row["by_part"] for row in rows):
        charts["by-part"] = by_part(rows)
    if any(row["floor"] and row["unit"] == "/s" for row in rows):
        charts["floor"] = against_floor(rows)
    for row in rows:
        if row.get("series") and "rate" in row["series"][0]:
            charts["rates"] = rate_and_latency(row["series"])
        elif row.get("series"):
            charts["memory"] = memory(row["series"])
    return charts


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.plots", description=__doc__)
    arguments.add_argument("figures", type=Path)
    arguments.add_argument("folder", type=Path)
    chosen = arguments.parse_args()
    found = json.loads(chosen.figures.read_text())
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name, chart in charts_of(found["rows"]).items():
        chart.render_to_file(str(chosen.folder / f"{name}.svg"))


if __name__ == "__main__":
    main()
