"""Defaults of settings that documents tell are those of the code."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from tests.support.services import APPS

REPO = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted(REPO.glob("apps/*/README.md")),
    *sorted(REPO.glob("docs/*.md")),
    *sorted(REPO.glob("docs/guides/*.md")),
]
NUMBER = r"[0-9]+(?:\.[0-9]+)?"
SERVICE = "<SERVICE>_"


def settings(app: str) -> type[BaseSettings]:
    return import_module(f"{app}.settings").Settings


def defaults(app: str) -> dict[str, float]:
    """Of all settings of an app that are numbers, by the name that the environment gives them."""
    prefix = settings(app).model_config.get("env_prefix", "")
    return {
        str(field.validation_alias or f"{prefix}{name}").upper(): float(field.default)
        for name, field in settings(app).model_fields.items()
        if isinstance(field.default, int | float)
    }


def told(text: str) -> Iterator[tuple[str, float]]:
    """Names with the numbers in the cell beside them, or in brackets behind them."""
    for names, cell in re.findall(r"^\| ((?:`[A-Z_<>…]+`(?:, )?)+) \| ([^|]+) \|", text, re.MULTILINE):
        values = cell.strip().replace("`", "").split(", ")
        known = re.findall(r"`([^`]+)`", names)
        if len(values) == len(known):
            yield from (
                (name, float(value)) for name, value in zip(known, values, strict=True) if re.fullmatch(NUMBER, value)
            )
    yield from ((name, float(value)) for name, value in re.findall(rf"`([A-Z_<>…]{{5,}})` \(({NUMBER})\)", text))


def expected(page: Path, name: str) -> set[float]:
    """The default in every app that has such a setting; empty for what is no setting."""
    own = page.parent.name
    if own in APPS:
        prefix = str(settings(own).model_config.get("env_prefix", "")).upper()
        return {defaults(own)[each] for each in (name, f"{prefix}{name}") if each in defaults(own)}
    ending = name.removeprefix(SERVICE).removeprefix("…")
    if ending == name:
        return {values[name] for values in map(defaults, APPS) if name in values}
    return {
        value
        for values in map(defaults, APPS)
        for known, value in values.items()
        if known.endswith(f"_{ending.lstrip('_')}")
    }


FOUND = [(page, name, value) for page in PAGES for name, value in told(page.read_text()) if expected(page, name)]


def test_documents_tell_defaults():
    assert len(FOUND) >= 25


@pytest.mark.parametrize(("page", "name", "value"), FOUND, ids=lambda each: getattr(each, "stem", str(each)))
def test_a_document_tells_the_default_of_the_code(page, name, value):
    assert expected(page, name) == {value}
