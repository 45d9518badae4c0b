"""The committed API documents are what the services say, and the gateway routes exactly what they offer."""

import json
from collections import defaultdict

import pytest

from gateway.routes import PUBLIC
from tests.contract.documents import CONTRACTS, FOLDER, apps, document, problems

APPS = apps()
INNER = ("/internal/", "/jobs/", "/events/", "/dapr/")


@pytest.mark.parametrize("service", APPS)
def test_the_committed_document_is_the_services_own(service):
    committed = (FOLDER / f"{service}.json").read_text()

    assert committed == document(APPS[service]), (
        f"{service}'s API changed: `make contracts`, and look at the difference"
    )


def test_the_gateway_routes_every_public_path_to_its_owner_and_nothing_else():
    offered = {
        (path, service)
        for service, app in APPS.items()
        for path in app.openapi()["paths"]
        if not path.startswith(INNER)
    }

    assert {(route.path, route.app_id) for route in PUBLIC} == offered


@pytest.mark.parametrize("service", APPS)
def test_every_answer_member_that_a_schema_names_is_always_there(service):
    """No optional members in answers: a front end in another language may rely on each."""
    document = json.loads((FOLDER / f"{service}.json").read_text())
    answers = {
        media["schema"]["$ref"].rpartition("/")[2]
        for path in document["paths"].values()
        for operation in path.values()
        for status, response in operation["responses"].items()
        if status == "200"
        for media in response.get("content", {}).values()
        if "$ref" in media.get("schema", {})
    }
    schemas = document["components"]["schemas"]
    for name in answers:
        inner = schemas[name]["properties"].get("data", {}).get("$ref", "").rpartition("/")[2]
        for each in filter(None, (inner,)):
            assert set(schemas[each].get("required", [])) == set(schemas[each].get("properties", {})), each


def test_the_committed_problems_are_the_codes_own():
    committed = (CONTRACTS / "problems.json").read_text()

    assert committed == problems(), "a problem changed: `make contracts`, and look at the difference"


def test_every_problem_has_a_message_of_its_own_in_both_languages():
    for each in json.loads((CONTRACTS / "problems.json").read_text()):
        if each["slug"] != "server-error":
            assert each["zh"] != "服务器开小差啦，请稍后再试", each["slug"]


SHARED_CODES = 100200
"""Below it: codes of the source system and of servicekit, that any service may use."""


def test_each_service_has_a_hundred_codes_of_its_own():
    owners = defaultdict(set)
    for each in json.loads((CONTRACTS / "problems.json").read_text("utf-8")):
        if each["code"] >= SHARED_CODES:
            owners[each["code"] // 100].add(each["said_by"])

    assert [services for services in owners.values() if len(services) > 1] == []


NEVER_ANSWERED = {"illegal-move"}
"""Problems that guard against a mistake of ours: no request leads to them."""


@pytest.mark.parametrize("service", APPS)
def test_every_problem_of_a_service_is_declared_by_an_endpoint(service):
    described = (FOLDER / f"{service}.json").read_text("utf-8")
    said = [each for each in json.loads((CONTRACTS / "problems.json").read_text("utf-8")) if each["said_by"] == service]
    missing = {each["slug"] for each in said if f"{each['slug']} ({each['code']})" not in described}
    assert missing - NEVER_ANSWERED == set()
