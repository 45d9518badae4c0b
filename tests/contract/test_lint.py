"""What the linters of `make check` refuse: each has been seen to refuse something, and refuses nothing of ours."""

import json
import shutil

import yaml

from tests.contract import lint
from tests.contract.gate import REPO

CONTRACTS = REPO / "contracts"


def test_an_openapi_document_with_a_reference_to_nothing_is_refused(tmp_path):
    document = json.loads((CONTRACTS / "openapi/notification.public.json").read_text())
    del document["components"]["schemas"]["Resent"]
    file = tmp_path / "notification.json"
    file.write_text(json.dumps(document))

    [said] = lint.openapi(file)
    assert "no-unresolved-refs" in said


def test_an_operation_on_a_channel_that_is_none_is_refused_by_its_place(tmp_path):
    """Examples the parser does not compare with their schemas: tests/contract/test_every_event.py does."""
    document = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text())
    document["operations"]["order.onPaystatus"]["channel"] = {"$ref": "#/components/messages/refundFailed"}
    shutil.copytree(CONTRACTS / "events", tmp_path / "events")
    file = tmp_path / "asyncapi.yaml"
    file.write_text(yaml.safe_dump(document))

    [said] = lint.asyncapi(file)
    assert "operations.order.onPaystatus.channel" in said


def test_a_schema_that_is_none_and_an_example_that_does_not_fit_are_refused(tmp_path):
    (tmp_path / "a.schema.json").write_text('{"type": "text"}')
    (tmp_path / "b.schema.json").write_text('{"type": "string", "examples": ["x", 1]}')

    assert list(lint.schemas(tmp_path)) == [
        "a.schema.json: $.type: 'text' is not valid under any of the given schemas",
        "b.schema.json: example 1: $: 1 is not of type 'string'",
    ]


def test_ours_are_without_a_warning():
    assert list(lint.everything()) == []
