"""Every schema of an event has an example, a message in asyncapi.yaml and a test that names it."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SCHEMAS = sorted(file.name.removesuffix(".schema.json") for file in (CONTRACTS / "events").glob("*.schema.json"))
MESSAGES = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())["components"]["messages"].values()
TESTS = {file.name: file.read_text() for file in Path(__file__).parent.glob("test_*_events.py")}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_takes_its_example(name):
    schema = json.loads((CONTRACTS / f"events/{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads((CONTRACTS / f"events/examples/{name}.json").read_text()))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_named_by_tests(name):
    assert [file for file, text in TESTS.items() if name in text]


PERSONAL = ("mobile", "openid", "nickname", "name", "code", "remark", "reason", "title", "contact")


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_event_holds_what_is_personal(name):
    """Kafka keeps events for days, and backups of it longer: what belongs to a person stays in the services' tables. The
    reason of a refund is what the buyer wants WeChat's notice to say."""
    data = json.loads((CONTRACTS / f"events/{name}.schema.json").read_text())["properties"]
    held = [member for member in data if any(word in member.lower() for word in PERSONAL)]
    assert held == (["reason"] if name == "refund-requested.v1" else [])


def test_the_messages_are_the_schemas():
    named = [Path(each["payload"]["$ref"]).name.removesuffix(".schema.json") for each in MESSAGES]
    assert sorted(named) == SCHEMAS
    assert all(each["name"].endswith(f".{name}") for each, name in zip(MESSAGES, named, strict=True))
