"""Each service's list of callers holds exactly the calls that the code makes, and dapr/access the lists and the gateway's
table."""

import inspect
from importlib import import_module
from importlib.util import find_spec

import pytest
import yaml

from gateway.routes import PUBLIC
from tests.deploy.manifests import REPO
from tests.support.calls_in_code import asked
from tests.support.services import SERVICES


def policies():
    return {file.stem: yaml.safe_load(file.read_text()) for file in sorted((REPO / "dapr" / "access").glob("*.yaml"))}


def allowed():
    """(caller, callee, verb, path) of every operation that a policy lets through."""
    return {
        (policy["appId"], callee, verb, operation["name"])
        for callee, content in policies().items()
        for policy in content["spec"]["accessControl"]["policies"]
        for operation in policy["operations"]
        for verb in operation["httpVerb"]
    }


def listed():
    """(caller, callee, path) of every internal method that a service's own list opens."""
    return {
        (caller, callee, f"/internal/{method}")
        for callee, callers in lists().items()
        for method, apps in callers.items()
        for caller in apps
    }


def lists():
    names = [each for each in SERVICES if find_spec(f"{each}.endpoints.internal")]
    return {name: import_module(f"{name}.endpoints.internal").CALLERS for name in names}


def calls_in_the_code():
    found = {call for service in SERVICES for call in asked(service)}
    found |= {(service, "usercenter", "/internal/jwks") for service in SERVICES if service != "usercenter"}
    return found | {(service, "usercenter", "/internal/revocations") for service in SERVICES if service != "usercenter"}


def verb(path: str) -> str:
    return "GET" if path in {"/internal/jwks", "/internal/revocations"} else "POST"


def test_each_services_list_names_the_callers_in_the_code_and_no_others():
    assert listed() == calls_in_the_code()


@pytest.mark.parametrize(("service", "callers"), lists().items(), ids=lists())
def test_a_list_names_every_internal_method_and_the_router_is_held_to_it(service, callers):
    router = import_module(f"{service}.endpoints.internal").router
    assert {route.path.removeprefix("/internal/") for route in router.routes} == set(callers)
    [door] = router.dependencies
    assert inspect.getclosurevars(door.dependency).nonlocals == {"callers": callers}


def test_methods_without_a_caller_are_closed():
    closed = {(service, method) for service, callers in lists().items() for method, apps in callers.items() if not apps}
    assert closed == {("payment", "paymentBySn"), ("payment", "refund"), ("usercenter", "authByKey")}


def test_no_service_gives_out_tokens_for_others():
    assert "issueToken" not in lists()["usercenter"]


def test_the_policies_are_the_calls_that_the_code_makes():
    public = {("gateway", route.app_id, "POST", route.path) for route in PUBLIC}
    assert allowed() == public | {(caller, callee, verb(path), path) for caller, callee, path in listed()}


@pytest.mark.parametrize("callee", SERVICES)
def test_an_app_that_is_not_named_is_refused(callee):
    control = policies()[callee]["spec"]["accessControl"]
    assert (control["defaultAction"], control["trustDomain"]) == ("deny", "public")
    for policy in control["policies"]:
        assert policy["defaultAction"] == "deny"
        assert policy["namespace"] == "minsu"
        assert {operation["action"] for operation in policy["operations"]} == {"allow"}
        assert not any("*" in operation["name"] for operation in policy["operations"])


def test_no_service_calls_the_gateway():
    assert policies()["gateway"]["spec"]["accessControl"]["policies"] == []


def test_the_cluster_has_the_same_policies_in_its_own_namespace(manifests):
    for overlay, namespace in {"production": "minsu", "dev": "minsu-dev"}.items():
        for callee, content in policies().items():
            wanted = content["spec"]["accessControl"]
            for policy in wanted["policies"]:
                policy["namespace"] = namespace
            found = manifests[overlay].one("Configuration", callee)
            assert found["spec"]["accessControl"] == wanted, (overlay, callee)
            assert found["metadata"]["namespace"] == namespace
