"""The door knows GET for pages and POST for the API: no other method, and no other origin's scripts are let in."""

import pytest

LOGIN = "/usercenter/v1/user/login"
OTHERS = ("TRACE", "PUT", "DELETE", "PATCH", "CONNECT", "OPTIONS")


@pytest.mark.parametrize("method", OTHERS)
@pytest.mark.parametrize("path", ["/", "/orders", LOGIN, "/static/favicon.svg", "/storefront/qr", "/console/signin"])
async def test_a_method_that_is_not_served_is_refused_and_goes_nowhere(door, method, path):
    response = await door.http.request(method, path)
    assert response.status_code == 405
    assert door.peers.requests == []


@pytest.mark.parametrize(("method", "path"), [("OPTIONS", LOGIN), ("POST", LOGIN), ("GET", "/")])
async def test_scripts_of_other_origins_are_allowed_nothing(door, method, path):
    door.peers.answer("usercenter", LOGIN, {})
    asked = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    response = await door.http.request(method, path, headers=asked)
    assert [name for name in response.headers if name.startswith("access-control-")] == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_a_body_that_a_foreign_form_could_send_is_no_json(door, kind):
    """A browser asks before it sends JSON across origins, and is allowed nothing; these three it sends without asking."""
    headers = {"Content-Type": kind} if kind else {}
    response = await door.http.post("/storefront/qr", content=b'{"text": "K7MX4QPA"}', headers=headers)
    assert response.status_code == 422
