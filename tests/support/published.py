"""What a service's OpenAPI documents say of a response: a test's double of the service may say nothing else."""

import json
import re
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.wire.contracts import Document, Operation
from tests.wire.schemas import faults

_FOLDER = Path(__file__).resolve().parents[2] / "contracts" / "openapi"
_FORMATS = FormatChecker(formats=())
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def require_as_published(service: str, path: str, body: Any) -> None:
    """Raises AssertionError where `body` is not what `path` responds with when it succeeds: a member is missing, of another
    type, or one that the service does not have; or the service has no such path."""
    found = _faults(service, path, json.dumps(body))
    assert not found, f"{path} would not respond so: {'; '.join(found)}"


@lru_cache(maxsize=2048)
def _faults(service: str, path: str, text: str) -> tuple[str, ...]:
    """Of the text, because most tests begin with the same doubles."""
    return (*faults(_validator(service, path), json.loads(text)),)


@cache
def _validator(service: str, path: str) -> Draft202012Validator:
    document = _document(service, "internal" if path.startswith("/internal/") else "public")
    assert path in document.content["paths"], f"{service} has no {path}"
    [operation] = [Operation(document, method, path) for method in document.content["paths"][path]]
    return operation.answer("200", "application/json").evolve(format_checker=_FORMATS)


@cache
def _document(service: str, kind: str) -> Document:
    return Document(service, json.loads((_FOLDER / f"{service}.{kind}.json").read_text()))


@_FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    """RFC 3339: with an offset."""
    return not isinstance(value, str) or bool(_MOMENT.fullmatch(value) and datetime.fromisoformat(value))
