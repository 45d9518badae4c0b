"""Every schema of an event has an example, a message in asyncapi.yaml and a test that names it."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SCHEMAS = sorted(file.name.removesuffix(".schema.json") for file in (CONTRACTS / "events").glob("*.schema.json"))
MESSAGES = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())["components"]["messages"].values()
EXAMPLES = sorted((CONTRACTS / "events/examples").glob("*.json"))
_POLICIES = yaml.safe_load((CONTRACTS.parent / "dapr/resiliency/services.yaml").read_text())["spec"]["policies"]
RETRIES = {
    "policy": _POLICIES["retries"]["event"]["policy"],
    "longestPauseSeconds": int(_POLICIES["retries"]["event"]["maxInterval"].removesuffix("s")),
    "most": _POLICIES["retries"]["event"]["maxRetries"],
    "timeoutSeconds": int(_POLICIES["timeouts"]["event"].removesuffix("s")),
}
TESTS = {file.name: file.read_text() for file in Path(__file__).parent.glob("test_*_events.py")}


def version_of(example: Path) -> str:
    """`paystatus-updated.v2.refunded` is an example of `paystatus-updated.v2`."""
    name, version, *_ = example.stem.split(".")
    return f"{name}.{version}"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_takes_its_example(name):
    schema = json.loads((CONTRACTS / f"events/{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads((CONTRACTS / f"events/examples/{name}.json").read_text()))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_one_of_its_schema(file):
    schema = json.loads((CONTRACTS / f"events/{version_of(file)}.schema.json").read_text())
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    assert [error.message for error in validator.iter_errors(json.loads(file.read_text()))] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_value_of_a_state_has_an_example(name):
    """A consumer is tried with each of them."""
    members = json.loads((CONTRACTS / f"events/{name}.schema.json").read_text())["properties"]
    examples = [json.loads(file.read_text()) for file in EXAMPLES if version_of(file) == name]
    for member, schema in members.items():
        if "enum" in schema:
            assert {each[member] for each in examples} == set(schema["enum"]), member


def test_asyncapi_shows_the_examples_themselves():
    for message in MESSAGES:
        name = Path(message["payload"]["$ref"]).name.removesuffix(".schema.json")
        files = [file for file in EXAMPLES if version_of(file) == name]
        shown = {each["name"]: each["payload"] for each in message["examples"]}
        assert shown == {
            file.stem.removeprefix(name).lstrip(".") or "usual": json.loads(file.read_text()) for file in files
        }


def test_every_channel_and_operation_says_how_it_is_used():
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    addresses = {name: each["address"] for name, each in document["channels"].items()}
    assert all(each["x-key"] == "orderSn" for each in document["channels"].values())
    for name, operation in document["operations"].items():
        if operation["action"] == "receive":
            app = name.partition(".")[0]
            topic = addresses[operation["channel"]["$ref"].rpartition("/")[2]]
            letters = operation["x-deadLetters"]["$ref"].rpartition("/")[2]
            assert addresses[letters] == f"{topic}.{app}.dlq"
            assert (
                document["channels"][letters]["messages"].keys()
                == document["channels"][operation["channel"]["$ref"].rpartition("/")[2]]["messages"].keys()
            )
            assert operation["bindings"]["kafka"]["groupId"]["enum"] == [app]
            assert operation["x-retries"] == RETRIES


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
