"""Traces as a waterfall: a line for each span, under its parent, with a bar on the time axis of its trace."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from minsu.traces import Span, Trace

PALETTE = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")
WIDE = 120
"""Columns from which on a level is indented by two, and the bars get a third of the line instead of an eighth."""


def show(console: Console, traces: Sequence[Trace]) -> None:
    """Print all of them, oldest first; times of day are the reader's."""
    services = sorted({span.service for trace in traces for span in trace.spans})
    colours = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(services)}
    console.print(Group(*_all(traces, colours, console.width)))


def _all(traces: Sequence[Trace], colours: dict[str, str], width: int) -> Iterator[RenderableType]:
    before: Trace | None = None
    for trace in traces:
        yield _head(trace, before)
        yield _waterfall(trace, colours, width)
        before = trace


def _head(trace: Trace, before: Trace | None) -> Text:
    clock = datetime.fromtimestamp(trace.started_at / 1e6, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
    later = f" (+{_time(trace.started_at - before.started_at)})" if before else ""
    spans = "1 span" if len(trace.spans) == 1 else f"{len(trace.spans)} spans"
    line = f"trace {trace.trace_id}  {clock}{later}  {spans}, {_time(trace.duration)}"
    return Text(f"\n{line}" if before else line, style="bold")


def _waterfall(trace: Trace, colours: dict[str, str], line: int) -> Table:
    width, indent = (line // 3, 2) if line >= WIDE else (line // 8, 1)
    table = Table(box=None, show_header=False, pad_edge=False, expand=True)
    table.add_column("service", no_wrap=True)
    table.add_column("span", no_wrap=True, overflow="ellipsis", ratio=1)
    for name in ("offset", "duration"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("bar", no_wrap=True, min_width=width, max_width=width)
    for depth, span in trace.in_order():
        offset = span.started_at - trace.started_at
        colour = "red" if span.error else colours[span.service]
        bar = _bar(offset, span.duration, trace.duration, width, colour)
        table.add_row(
            Text(span.service, style=colours[span.service]),
            _name(depth * indent, span),
            _time(offset),
            _time(span.duration),
            bar,
        )
    return table


def _name(indent: int, span: Span) -> Text:
    name = Text(" " * indent + span.name)
    if span.links:
        name.append(f" ⇠ {len(span.links)} linked", style="dim")
    if span.error:
        name.append(f" ✗ {span.error}", style="red")
    return name


def _bar(offset: int, duration: int, whole: int, width: int, colour: str) -> Bar:
    """At least half a character: the shortest span still has a mark at its place."""
    whole = max(whole, 1)
    least = whole / width / 2
    begin = min(offset, whole - least)
    return Bar(whole, begin, max(begin + least, offset + duration), width=width, color=colour)


def _time(microseconds: int) -> str:
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.1f} ms"
    return f"{microseconds / 1e6:.2f} s"
