"""Validators that name what is wrong without quoting a value: what is personal stays out of reports."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

LONGEST_TEXT = 40


def strict(schema: Any) -> Any:
    """The same schema, taking no member that it does not name: for what we send ourselves. Maps (`additionalProperties`
    with a schema) stay as they are."""
    return _closed(copy.deepcopy(schema))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if isinstance(closed.get("properties"), dict) and not isinstance(closed.get("additionalProperties"), dict):
        closed["additionalProperties"] = False
    return closed


def faults(validator: Draft202012Validator, value: Any) -> Iterator[str]:
    """One text for each fault, the deepest of alternatives: where, and what is wrong with it."""
    for error in validator.iter_errors(value):
        yield _said(best_match([error]) or error)


def _said(error: ValidationError) -> str:
    place = ".".join("[]" if isinstance(part, int) else str(part) for part in error.absolute_path) or "(whole)"
    value: Any = error.instance
    wanted: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
            return f"{place}: has undocumented {', '.join(sorted(set(value) - set(known)))}"
        case "required":
            return f"{place}: lacks {', '.join(name for name in wanted if name not in value)}"
        case "const" | "enum" | "type" | "pattern" | "format" | "minimum" | "maximum" | "minLength" | "maxLength":
            return f"{place}: {masked(value)} against {error.validator} {wanted}"
    return f"{place}: {masked(value)} against {error.validator}"


def masked_path(path: str) -> str:
    """Digits become 9, and a segment as long as a token is left out."""
    parts = ("…" if len(part) > LONGEST_TEXT else re.sub(r"\d", "9", part) for part in path.split("/"))
    return "/".join(parts)


def masked(value: Any) -> Any:
    """The form of a value: letters become a, digits 9; short numbers, truth and null stay."""
    if isinstance(value, dict):
        return {name: masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [masked(each) for each in value[:3]]
    if isinstance(value, str):
        text = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value))
        return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)})"
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 1000:
        return "a number above 999"
    return value
