"""Whatever an operator changes needs a reason, from the console and from `minsu ops` alike: the service asks for it."""

import json

import pytest

from gateway.console.contents import ACTS
from tests.contract.documents import FOLDER

DOCUMENTS = {file.name.partition(".")[0]: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.public.json"))}


def asked(service, path):
    """The schema of what the method takes."""
    document = DOCUMENTS[service]
    schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


METHODS = [
    (service, path)
    for service, document in DOCUMENTS.items()
    for path, methods in document["paths"].items()
    if "/v1/ops/" in path and "requestBody" in methods["post"] and "note" in asked(service, path)["properties"]
]


LOOKS = {("order", "/order/v1/ops/orderFind"), ("usercenter", "/usercenter/v1/ops/accountDetail")}
"""They change nothing; that an operator looked is kept, and why if it is said."""


@pytest.mark.parametrize(("service", "path"), [each for each in METHODS if each not in LOOKS])
def test_a_method_that_takes_a_reason_needs_one(service, path):
    schema = asked(service, path)
    note = schema["properties"]["note"]
    assert "note" in schema["required"]
    assert (note["type"], note["minLength"]) == ("string", 1)


def test_every_act_of_the_console_is_such_a_method():
    acts = {(act.service, act.method) for act in ACTS.values() if act.service}
    acts |= {(service, act.method) for act in ACTS.values() if not act.service for service in ("order", "payment")}
    assert {(service, f"/{service}/v1/ops/{method}") for service, method in acts} <= set(METHODS)
