"""dapr/access holds exactly the calls that the code makes: the gateway's table, peers.py, public keys and revocations."""

import ast
from collections.abc import Iterator

import pytest
import yaml

from gateway.routes import PUBLIC
from tests.deploy.manifests import REPO, SERVICES

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


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


def asked_by_peers(service: str) -> Iterator[tuple[str, str, str, str]]:
    """Each call in peers.py that names an app-id and then a path, as whole words."""
    file = REPO / "apps" / service / "src" / service / "peers.py"
    if not file.exists():
        return
    for part in ast.parse(file.read_text()).body:
        named_once = _default_app_id(part)
        for node in ast.walk(part):
            if not isinstance(node, ast.Call):
                continue
            words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if named_once and any(isinstance(one, ast.Attribute) and one.attr == "_app_id" for one in node.args):
                words.insert(0, named_once)
            if len(words) > 1 and words[0] in SERVICES:
                path = next(word for word in words[1:] if word not in METHODS)
                yield service, words[0], "POST", path if path.startswith("/") else f"/internal/{path}"


def _default_app_id(part: ast.stmt) -> str:
    """The app-id that a peer's class asks unless told otherwise: `def __init__(self, sidecar, app_id="order")`."""
    for node in ast.walk(part):
        if isinstance(node, ast.FunctionDef) and node.args.args and node.args.args[-1].arg == "app_id":
            default = node.args.defaults[-1] if node.args.defaults else None
            if isinstance(default, ast.Constant):
                return str(default.value)
    return ""


def calls_in_the_code():
    found = {("gateway", route.app_id, "POST", route.path) for route in PUBLIC}
    for service in SERVICES:
        found |= set(asked_by_peers(service))
        if service != "usercenter":
            found.add((service, "usercenter", "GET", "/internal/jwks"))
        if service not in {"usercenter", "gateway"}:  # the gateway verifies no token
            found.add((service, "usercenter", "GET", "/internal/revocations"))
    return found


def test_the_policies_are_the_calls_that_the_code_makes():
    assert allowed() == calls_in_the_code()


@pytest.mark.parametrize("callee", SERVICES)
def test_whoever_is_not_named_is_refused(callee):
    control = policies()[callee]["spec"]["accessControl"]
    assert (control["defaultAction"], control["trustDomain"]) == ("deny", "public")
    for policy in control["policies"]:
        assert policy["defaultAction"] == "deny"
        assert policy["namespace"] == "minsu"
        assert {operation["action"] for operation in policy["operations"]} == {"allow"}
        assert not any("*" in operation["name"] for operation in policy["operations"])


def test_nobody_calls_the_front_door_from_inside():
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
