"""No endpoint takes a member that its request does not name: a role, a price or an owner cannot be set in passing."""

import json
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted((REPO / "contracts" / "openapi").glob("*.json"))


def bodies(document):
    """Path and schema of each JSON body."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            yield from ((path, each["schema"]) for each in content.values() if "schema" in each)


def schemas(schema, document, seen):
    """A schema and all that it refers to."""
    if isinstance(schema, list):
        for each in schema:
            yield from schemas(each, document, seen)
    if not isinstance(schema, dict):
        return
    if name := schema.get("$ref", "").rpartition("/")[2]:
        if name not in seen:
            seen.add(name)
            yield from schemas(document["components"]["schemas"][name], document, seen)
        return
    yield schema
    for each in schema.values():
        yield from schemas(each, document, seen)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_no_request_takes_members_that_it_does_not_name(file):
    document = json.loads(file.read_text())
    open_ones = [
        (path, each.get("title"))
        for path, body in bodies(document)
        if not path.startswith("/events/")
        for each in schemas(body, document, set())
        if each.get("type") == "object" and ("properties" not in each or each.get("additionalProperties") is True)
    ]
    assert open_ones == []
