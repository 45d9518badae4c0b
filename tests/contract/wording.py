"""What texts and schemas say, for tests that hold them to the code."""

import json
import tomllib
from typing import Any

from tests.contract.documents import FOLDER
from tests.support.services import SOURCES

NUMERALS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen",
)  # fmt: skip


def page_text(file: str, name: str) -> str:
    """A text of our pages, of `apps/gateway/src/gateway/locale/<file>`, which has it once."""
    sections = tomllib.loads((SOURCES["gateway"] / "locale" / file).read_text()).values()
    [found] = [section[name] for section in sections if name in section]
    return str(found)


def member(service: str, model: str, name: str) -> dict[str, Any]:
    """The schema of a member in the service's public OpenAPI document."""
    schemas = json.loads((FOLDER / f"{service}.public.json").read_text())["components"]["schemas"]
    return dict(schemas[model]["properties"][name])
