"""Wrong bodies for a JSON schema: every member missing, null, of another type, out of bounds."""

from collections.abc import Iterator
from typing import Any

WRONG_FOR_ALL: tuple[Any, ...] = ({}, [], [1], {"$ne": 1})
WRONG_STRINGS: tuple[Any, ...] = (0, True, "", "\x00", "x" * 70_000, "\ud800", "' or 1=1 --", "😀" * 200)
WRONG_BODIES: tuple[Any, ...] = (None, [], "text", 5)
WRONG_NUMBERS: tuple[Any, ...] = ("1", "x", True, 1.5, -1, -(2**63), 2**63, 2**200, "NaN")


def valid(schema: dict[str, Any], document: dict[str, Any]) -> Any:  # noqa: PLR0911 - one a JSON type
    """Some value of the right shape; bounds are met where they are simple."""
    schema = resolve(schema, document)
    if "anyOf" in schema:
        return valid(schema["anyOf"][0], document)
    if "examples" in schema:
        return schema["examples"][0]
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    match schema.get("type"):
        case "object":
            return {name: valid(each, document) for name, each in schema.get("properties", {}).items()}
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return False
        case "array":
            return [valid(schema.get("items", {}), document)]
        case _:
            return "1" * max(1, schema.get("minLength", 1))


def wrong_bodies(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(what is wrong, body): each differs from a plausible body in one member; then what is no object at all."""
    schema = resolve(schema, document)
    right = valid(schema, document)
    for name, each in schema.get("properties", {}).items():
        if name in schema.get("required", []):
            yield f"{name} missing", {key: value for key, value in right.items() if key != name}
            yield f"{name} null", right | {name: None}
        kind = resolve(each, document)
        kinds = {kind.get("type"), *(resolve(one, document).get("type") for one in kind.get("anyOf", []))}
        wrong = WRONG_FOR_ALL + (WRONG_STRINGS if "string" in kinds else WRONG_NUMBERS)
        for value in wrong:
            yield f"{name} = {value!r:.40}", right | {name: value}
    for body in WRONG_BODIES:
        yield f"body = {body!r}", body


def resolve(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
