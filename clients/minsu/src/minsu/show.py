"""How results are printed: JSON for machines, tab-separated lines for pipes, aligned columns on a terminal."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table


def as_json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def rows(found: Sequence[dict[str, Any]], columns: Sequence[str], *, json_wanted: bool) -> None:
    """`columns` are the members to show, in order; JSON has them all."""
    if json_wanted:
        as_json(found)
        return
    cells = [tuple(plain(row[column]) for column in columns) for row in found]
    if not sys.stdout.isatty():
        for cell in cells:
            typer.echo("\t".join(cell))
        return
    grid = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for cell in cells:
        grid.add_row(*cell)
    Console(highlight=False, markup=False).print(grid)


def facts(found: dict[str, Any], *, json_wanted: bool) -> None:
    if json_wanted:
        as_json(found)
        return
    width = max(map(len, found))
    for name, value in found.items():
        typer.echo(f"{name.ljust(width)}  {plain(value)}")


def plain(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return " ".join(str(value).split())
