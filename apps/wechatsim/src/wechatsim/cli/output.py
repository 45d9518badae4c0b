"""How commands print: data to stdout, messages to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

_WIDEST = 1000


def info(message: str) -> None:
    """A message for the user, on stderr."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, markup=False)


def fail(message: str, hint: str = "") -> NoReturn:
    """Print what is wrong and what to do, then exit 1."""
    info(f"error: {message}")
    if hint:
        info(f"hint: {hint}")
    raise typer.Exit(1)


def show(data: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    """`data` as JSON, or `human()`, on stdout."""
    if as_json:
        typer.echo(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        human()


def pairs(pairs: dict[str, Any]) -> None:
    """Names and values, one per line."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        typer.echo(f"{name.ljust(width)}  {value}")


def print_json(data: Any) -> None:
    """A JSON value, indented, on stdout."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def table(columns: list[str], rows: list[list[Any]]) -> None:
    """A table on a terminal; tab-separated lines for programs."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    grid = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    # As wide as its content: a truncated id cannot be copied.
    Console(no_color="NO_COLOR" in os.environ, width=_WIDEST).print(grid)


def yuan(fen: int) -> str:
    """12345 → ¥123.45."""
    return f"¥{fen // 100}.{fen % 100:02d}"
