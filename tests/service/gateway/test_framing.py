"""No response of the public door can be framed, loads what is not ours, or tells another site where its reader was; and one
of an error that nothing expected is no exception."""

import httpx
import pytest

from gateway.main import create_app
from servicekit.testing import FakeSidecar, client
from tests.service.gateway.serving import settings

DETAIL, PHOTO = "/usercenter/v1/user/detail", f"/photos/{'a1' * 16}/thumb.webp"


@pytest.fixture
async def http():
    sidecar = FakeSidecar()
    sidecar.answer("usercenter", DETAIL, {"code": 200, "data": {}})
    async with client(create_app(settings(), sidecar=sidecar)) as http:
        yield http


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nowhere"),
        ("GET", "/console/signin"),
        ("GET", "/static/js/api.js"),
        ("GET", "/static/favicon.svg"),
        ("GET", "/static/nothing.js"),
        ("GET", "/photos/x/thumb.webp"),
        ("GET", PHOTO),
        ("POST", DETAIL),
        ("GET", DETAIL),
        ("POST", "/storefront/qr"),
        ("GET", "/calendars/x.ics"),
    ],
)
async def test_no_response_can_be_framed_or_loads_what_is_not_ours(http, method, path):
    response = await http.request(method, path, headers={"Authorization": "Bearer x", "Accept": "text/html"})
    [policy] = response.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["/", "/orders", "/console/signin"])
async def test_a_page_tells_other_sites_nothing_of_its_address(http, path):
    assert (await http.get(path)).headers["referrer-policy"] == "same-origin"


async def test_the_500_of_an_unexpected_error_is_kept_nowhere_and_has_its_trace():
    class Broken(FakeSidecar):
        async def invoke(self, *_: object, **__: object) -> httpx.Response:
            raise RuntimeError("never seen")

    async with client(create_app(settings(), sidecar=Broken())) as http:
        response = await http.post(DETAIL, json={}, headers={"Authorization": "Bearer x"})
    assert response.status_code == 500
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["trace-id"] == response.json()["trace_id"] != ""
    assert "never seen" not in response.text
