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

_CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
_FORMATS = FormatChecker(formats=())
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def require_as_published(service: str, path: str, body: Any) -> None:
    """Raises AssertionError where `body` is not what `path` responds with when it succeeds: a member is missing, of another
    type, or one that the service does not have; or the service has no such path."""
    _require(service, path, 200, body)


def published_problem(service: str, path: str, slug: str, **members: Any) -> dict[str, Any]:
    """The body of a refusal, as contracts/problems.json has it, in Chinese; with `members`, which are those of its own, or
    stand in place of the usual ones. Raises AssertionError where `path` is not refused so."""
    known = [each for each in _problems() if each["slug"] == slug and each["said_by"] in {service, "servicekit"}]
    assert known, f"{service} has no problem {slug}"
    problem, own = known[0], set(known[0]["members"])
    names = _operation(service, path).problems()
    assert slug in names or problem["said_by"] == "servicekit", (
        f"{path} is not refused with {slug}, but {sorted(names)}"
    )
    assert own <= members.keys(), f"{slug} has the members {sorted(own)}"
    usual = {name: problem[name] for name in ("status", "code")} | {"title": problem["en"], "msg": problem["zh"]}
    body = {"type": f"/problems/{slug}", "detail": slug, "trace_id": ""} | usual | members
    _require(service, path, body["status"], {name: each for name, each in body.items() if name not in own})
    return body


def _require(service: str, path: str, status: int, body: Any) -> None:
    found = _faults(service, path, status, json.dumps(body))
    assert not found, f"{path} would not respond so: {'; '.join(found)}"


@lru_cache(maxsize=2048)
def _faults(service: str, path: str, status: int, text: str) -> tuple[str, ...]:
    """Of the text, because most tests begin with the same doubles."""
    return (*dict.fromkeys(faults(_validator(service, path, status), json.loads(text))),)


@cache
def _validator(service: str, path: str, status: int) -> Draft202012Validator:
    operation = _operation(service, path)
    declared = operation.declared(status)
    assert declared, f"{path} has no response with {status}"
    [media_type] = operation.answer_types(declared)
    return operation.answer(declared, media_type).evolve(format_checker=_FORMATS)


@cache
def _operation(service: str, path: str) -> Operation:
    document = _document(service, "internal" if path.startswith("/internal/") else "public")
    assert path in document.content["paths"], f"{service} has no {path}"
    [method] = document.content["paths"][path]
    return Operation(document, method, path)


@cache
def _document(service: str, kind: str) -> Document:
    return Document(service, json.loads((_CONTRACTS / "openapi" / f"{service}.{kind}.json").read_text()))


@cache
def _problems() -> list[dict[str, Any]]:
    return list(json.loads((_CONTRACTS / "problems.json").read_text()))


@_FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    """RFC 3339: with an offset."""
    return not isinstance(value, str) or bool(_MOMENT.fullmatch(value) and datetime.fromisoformat(value))
