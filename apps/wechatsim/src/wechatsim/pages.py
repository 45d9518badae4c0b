"""The HTML templates of the cashier and the console."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, FunctionLoader


def _source(name: str) -> str:
    return files("wechatsim").joinpath("templates", name).read_text()


PAGES = Environment(loader=FunctionLoader(_source), autoescape=True, trim_blocks=True, lstrip_blocks=True)
PAGES.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
PAGES.filters["yuan"] = lambda fen: f"{fen // 100}.{fen % 100:02d}"
