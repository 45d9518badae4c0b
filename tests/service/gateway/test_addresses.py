"""Nothing that a visitor hands in leads to another site: redirects, links and the way back after signing in."""

import json
import re
from urllib.parse import quote

import pytest
from fastapi.routing import iter_route_contexts

from gateway import addresses

SN = "HSO2026112309302612345678"
DESK = ["/host", "/host/shop", "/host/homestays", "/host/homestays/new", "/host/orders", "/host/payouts"]
OF_HOMESTAY = ["", "/edit", "/photos", "/calendar", "/links", "/changes"]
PAGES = ["/", "/orders", "/account", "/homestays/1", f"/homestays/{2**63 - 1}", *DESK]
PAGES += [f"{folder}/{SN}" for folder in ("/orders", "/pay", "/waiting", "/paid")]
PAGES += [f"/host/homestays/7{ending}" for ending in OF_HOMESTAY]
ELSEWHERE = [
    "//host",
    "//host/",
    "///host",
    "////host/orders",
    "/.//host",
    "/..//host",
    "/./\\host",
    "/%2Fhost",
    "/%2f%2fhost",
    "/%5chost",
    "/\\host",
    "\\\\host",
    "/\t/host",
    "/\n/host",
    "\t//host",
    " //host",
    "/\r\nLocation: //host",
    "/\x00/host",
    "/\u2215host",
    "/\uff0f/host",
    "\uff0f\uff0fhost",
    "http://host",
    "https:host",
    "http:/\\host",
    "HTTPS://host/orders",
    "javascript:alert(1)",
    "data:text/html,x",
    "//user@host/orders",
    "/@host",
    "//user:pass@app@host",
    "//[::1]/orders",
    ".//host",
    "?//host",
    "#//host",
    "host",
    "host/orders",
    "",
    "/orders/",
    "/orders//",
    "/orders/../..//host",
    "//host/..//orders",
    f"/orders/{SN}/",
    f"/orders/{SN}/..//host",
    f"//host/orders/{SN}",
    f"/orders/{SN}\n",
    f"/orders/{SN.lower()}",
    "/orders/HSO\u0661" + "1" * 21,
    "/homestays/0",
    "/host/homestays/0/edit",
    "/host/homestays/1/",
    "/host/homestays/1/nowhere",
    "/host/homestays//edit",
    "/host//host",
    "/homestays/-1",
    "/homestays/\u0661",
    f"/homestays/{2**63}",
    "/homestays/" + "1" * 5000,
    "/static/js/api.js",
    "/usercenter/v1/user/login",
    "/storefront/qr",
    "/ORDERS",
    "/nowhere",
    "/\ud800",
]
OTHERWISE = {"/static/js/api.js": (200, None), "/usercenter/v1/user/login": (405, None), "/storefront/qr": (405, None)}


async def next_of(door, target):
    response = await door.http.get("/signin?next=" + quote(target.encode("utf-8", "surrogatepass"), safe=""))
    assert response.status_code == 200
    return json.loads(re.search(r'<script type="application/json" id="page-data">(.*?)</script>', response.text)[1])[
        "next"
    ]


@pytest.mark.parametrize("target", ELSEWHERE, ids=ascii)
async def test_after_signing_in_no_user_is_sent_where_no_page_is(door, target):
    assert await next_of(door, target) == "/"
    assert addresses.resolve(target) == "/"


@pytest.mark.parametrize("path", PAGES)
async def test_after_signing_in_one_is_back_at_the_page_one_came_from(door, path):
    assert await next_of(door, path) == path
    assert await next_of(door, f"{path}?a=1&b=//host#x") == f"{path}?a=1&b=%2F%2Fhost"


async def test_the_sign_in_form_does_not_lead_to_itself(door):
    assert await next_of(door, "/signin?next=/orders") == "/"
    assert await next_of(door, "/") == "/"


async def get_raw(door, path, query=b"lang=en", host="app"):
    """As an HTTP server hands it over: `path` decoded, nothing normalised on the way."""
    sent = []
    received = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        return next(received, {"type": "http.disconnect"})

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "root_path": "",
        "path": path,
        "raw_path": b"/",
        "query_string": query,
        "headers": [(b"host", host.encode()), (b"accept", b"text/html")],
        "client": ("192.0.2.1", 1),
        "server": ("app", 80),
    }
    await door.http._transport.app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers.get("location")


@pytest.mark.parametrize("path", [each for each in ELSEWHERE if each.startswith("/")], ids=ascii)
async def test_choosing_a_language_leads_to_known_pages_alone(door, path):
    expected = OTHERWISE.get(path, (303, "/"))
    assert await get_raw(door, path) == expected


@pytest.mark.parametrize("path", [*PAGES, "/signin"])
async def test_choosing_a_language_shows_the_same_page_again_whatever_host_was_named(door, path):
    assert await get_raw(door, path, host="evil.example") == (303, path)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (b"lang=en&next=//host", "?next=%2F%2Fhost"),
        (b"a=%0d%0aSet-Cookie:x&lang=en", "?a=%0D%0ASet-Cookie%3Ax"),
        (b"lang=en&x=\xff\xfe", "?x=%C3%BF%C3%BE"),
        (b"lang=en&x=%ED%A0%80%00", "?x=%EF%BF%BD%EF%BF%BD%EF%BF%BD%00"),
        (b"lang=en&lang=zh&a=", "?a="),
    ],
)
async def test_the_rest_of_the_query_is_encoded_anew(door, query, kept):
    assert await get_raw(door, "/orders", query) == (303, f"/orders{kept}")


async def test_every_page_of_the_app_is_one_that_can_be_come_back_to(door):
    shown = {
        each.path for each in iter_route_contexts(door.http._transport.app.routes) if "GET" in (each.methods or ())
    }
    files = {"/photos/{key}/{size}.webp", "/calendars/{secret}.ics"}
    shown = {each for each in shown if not each.startswith("/console")}  # which has addresses.py of its own
    assert shown - {"/livez", "/readyz", "/metrics"} - files == {
        "/",
        "/signin",
        "/orders",
        "/account",
        "/homestays/{number}",
        *DESK,
    } | {f"{folder}/{{sn}}" for folder in ("/orders", "/pay", "/waiting", "/paid")} | {
        f"/host/homestays/{{number}}{ending}" for ending in OF_HOMESTAY
    } | {"/merchant"}
    for path in [*PAGES, "/signin"]:
        assert (await door.http.get(path)).status_code == 200
        assert addresses.resolve(path) == path


async def test_the_merchants_page_of_before_leads_to_the_desk(door):
    response = await door.http.get("/merchant?a=1")
    assert (response.status_code, response.headers["location"]) == (308, "/host/orders")
    assert addresses.resolve("/merchant") == "/merchant"


async def test_the_hosts_name_is_in_no_page(door):
    response = await door.http.get(f"/pay/{SN}", headers={"Host": "evil.example"})
    assert "evil.example" not in response.text
