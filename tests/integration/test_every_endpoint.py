"""Every public path, through the front door, with every member of its body made wrong in turn."""

import json
import secrets

import httpx
import pytest

from gateway.routes import PUBLIC, Who
from tests.support.mutations import wrong_bodies
from tests.support.openapi import DOCUMENTS, body_schema

pytestmark = pytest.mark.stack
ROUTES = [route for route in PUBLIC if route.who is not Who.WECHAT]
TABLES = {
    "usercenter": ('"user"', "user_auth"),
    "travel": (
        "homestay_comment",
        "homestay",
        "homestay_date",
        "homestay_photo",
        "foreign_calendar",
        "host_application",
        "host_change",
        "operator_act",
    ),
    "order": ("homestay_order", "order_transition", "outbox"),
    "payment": ("third_payment", "refund", "outbox", "provider_notice"),
    "notification": ("notification_task",),
}


def row_counts(system):
    return {
        (service, table): system.rows(service, f"select count(*) as n from {table}")[0]["n"]  # noqa: S608 - names of ours
        for service, tables in TABLES.items()
        for table in tables
    }


def test_the_tables_of_every_service_are_counted():
    assert set(TABLES) == {route.app_id for route in ROUTES}


@pytest.fixture(scope="module")
def bearers(system):
    """By whom a path is asked. Any text is right for a name, so hosts' paths are asked by one who has no shop, and `apply`
    by one whose mobile is not proven: what passes the schema is refused behind it. `logout` takes any body, and ends a
    session that no other path uses."""

    def registered(granted=()):
        account = {"mobile": f"135{secrets.randbelow(10**8):08d}", "password": "secret-123"}
        system.data("/usercenter/v1/user/register", account)
        if granted:
            system.rows(
                "usercenter",
                """update "user" set roles = %s, mobile_proven_at = now(), mobile_proven_by = 'code' where mobile = %s""",
                ["buyer", *granted],
                account["mobile"],
            )
        return {"Authorization": f"Bearer {system.data('/usercenter/v1/user/login', account)['accessToken']}"}

    stranger, shopless, leaver = registered(), registered(["merchant"]), registered()

    def of(path):
        if path.endswith("/logout"):
            return leaver
        if "/host/" in path:
            return stranger if path.endswith("/apply") else shopless
        return system.bearer("OPERATOR" if "/ops/" in path else "MERCHANT")

    return of


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_wrong_bodies_are_refused_with_a_problem_and_write_nothing(system, bearers, route):
    bodies = list(wrong_bodies(body_schema(route) or {"type": "object"}, DOCUMENTS[route.app_id]))

    for last in (False, True):
        before = row_counts(system)
        _are_refused(system, route, bodies, bearers(route.path))
        # What other tests set going may end just now: then the same once more. What these bodies wrote would be seen again.
        if row_counts(system) == before:
            return
        assert not last, "rows were written"


def _are_refused(system, route, bodies, bearer):
    for wrong, body in bodies:
        sent = json.dumps(body).encode()
        answer = system.gateway.post(route.path, content=sent, headers={"Content-Type": "application/json", **bearer})
        assert answer.status_code < 500, f"{wrong}: {answer.status_code} {answer.text}"
        if answer.is_success:  # a member that is optional, or right after all (a search for a shop that is not there)
            continue
        assert answer.headers["content-type"] == "application/problem+json", wrong
        problem = answer.json()
        assert {"type", "title", "status", "detail", "code", "msg", "trace_id"} <= set(problem), wrong
        if answer.status_code == 422:
            assert problem["field"], wrong


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_a_path_that_needs_a_token_says_so(system, route):
    answer = httpx.post(system.environment["GATEWAY_URL"] + route.path, json={}, timeout=20)

    assert (answer.status_code == 401) == (route.who is Who.SIGNED_IN), answer.text
