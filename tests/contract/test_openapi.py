"""The committed API documents are what the services say, and the gateway routes exactly what they offer."""

import json
from collections import defaultdict
from importlib import import_module

import pytest
from fastapi.routing import iter_route_contexts

from gateway.routes import PUBLIC, Who
from stack.layout import DATABASES
from tests.contract import tables
from tests.contract.documents import CONTRACTS, FOLDER, apps, problems, texts
from tests.support.services import WITH_API

OPEN = {Who.ANYONE, Who.WECHAT}


@pytest.mark.parametrize("name", [f"{service}.{kind}" for service in WITH_API for kind in ("public", "internal")])
def test_the_committed_document_is_the_services_own(name):
    committed = (FOLDER / f"{name}.json").read_text()

    assert committed == texts()[name], f"the API changed ({name}): `make contracts`, and look at the difference"


def test_there_is_no_document_of_another_name():
    assert {file.stem for file in FOLDER.iterdir()} == texts().keys()


@pytest.mark.parametrize("service", WITH_API)
def test_every_path_of_a_service_is_in_one_of_its_documents(service):
    public, internal = (set(json.loads(texts()[f"{service}.{kind}"])["paths"]) for kind in ("public", "internal"))
    routed = {route.path for route in iter_route_contexts(apps()[service].routes)}

    assert public & internal == set()
    assert public | internal == routed - {"/docs", "/openapi.json", "/docs/oauth2-redirect", "/events", "/jobs"}


@pytest.mark.parametrize("service", WITH_API)
def test_a_document_says_who_may_call(service):
    """As the gateway's table says which public methods need no token, and CALLERS which app may call an internal one."""
    public, internal = (json.loads(texts()[f"{service}.{kind}"])["paths"] for kind in ("public", "internal"))
    without = {path for path, item in public.items() for each in item.values() if not each["security"]}

    assert without == {route.path for route in PUBLIC if route.app_id == service and route.who in OPEN}
    guarded = {path for path, item in internal.items() for each in item.values() if each["security"]}
    assert guarded == {path for path in internal if path not in {"/livez", "/readyz", "/metrics"}}
    methods = {path: each for path, item in internal.items() for each in item.values() if path.startswith("/internal/")}
    callers = import_module(f"{service}.endpoints.internal").CALLERS
    assert {path.rpartition("/")[2]: set(each["x-callers"]) for path, each in methods.items()} == callers


def test_an_operators_method_names_the_role():
    for name, text in texts().items():
        for path, item in json.loads(text)["paths"].items():
            for operation in item.values():
                assert ("/v1/ops/" in path) == operation.get("x-role", "").startswith("operator"), (name, path)


def test_the_gateway_routes_every_public_path_to_its_owner_and_nothing_else():
    offered = {(path, service) for service in WITH_API for path in json.loads(texts()[f"{service}.public"])["paths"]}

    assert {(route.path, route.app_id) for route in PUBLIC} == offered


@pytest.mark.parametrize("service", WITH_API)
def test_every_answer_member_that_a_schema_names_is_always_there(service):
    """No optional members in answers: a front end in another language may rely on each."""
    document = json.loads((FOLDER / f"{service}.public.json").read_text())
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


@pytest.mark.parametrize("name", DATABASES)
def test_the_committed_tables_are_the_models_own(name):
    committed = (CONTRACTS / "tables" / f"{name}.sql").read_text()

    assert committed == tables.text(name), "a table changed: `make contracts`, and look at the difference"


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


@pytest.mark.parametrize("service", WITH_API)
def test_every_problem_of_a_service_is_declared_by_an_endpoint(service):
    declared = texts()[f"{service}.public"] + texts()[f"{service}.internal"]
    said = [each for each in json.loads((CONTRACTS / "problems.json").read_text("utf-8")) if each["said_by"] == service]
    missing = {each["slug"] for each in said if f"{each['slug']} ({each['code']})" not in declared}
    assert missing - NEVER_ANSWERED == set()


ANY_REQUEST = {
    "body-too-large",
    "conflict",
    "database-unavailable",
    "method-not-allowed",
    "repeated-header",
    "server-error",
}
"""Of servicekit, whatever is requested: endpoints have them under 4XX and 5XX."""


def test_every_problem_of_servicekit_is_declared_by_an_endpoint():
    declared = "".join(texts().values())
    problems = json.loads((CONTRACTS / "problems.json").read_text("utf-8"))
    theirs = [each for each in problems if each["said_by"] == "servicekit"]
    missing = {each["slug"] for each in theirs if f"{each['slug']} ({each['code']})" not in declared}
    assert missing == ANY_REQUEST
