"""What passes the public door, in both directions, and what does not."""

import re

import httpx
import pytest

from gateway.main import create_app
from gateway.routes import PUBLIC, Who
from gateway.settings import Settings
from servicekit.sidecar import Sidecar
from servicekit.testing import APP_TOKEN, FakeSidecar, client
from tests.service.gateway.conftest import Peers
from tests.service.gateway.serving import settings

LOGIN = "/usercenter/v1/user/login"
CREATE = "/order/v1/homestayOrder/createHomestayOrder"
CALLBACK = "/payment/v1/thirdPayment/thirdPaymentWxPayCallback"
BEARER = {"Authorization": "Bearer a.b.c"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def problem(response):
    assert response.headers["content-type"] == "application/problem+json"
    return response.json()


UPLOADS = {each.path for each in Settings.uploads}
"""Their tokens are verified here, before the body is read: test_photos.py."""


@pytest.mark.parametrize("route", [each for each in PUBLIC if each.path not in UPLOADS], ids=lambda route: route.path)
async def test_every_route_reaches_its_service_by_its_literal_path(door, route):
    door.peers.answer(route.app_id, route.path, {"code": 200, "msg": "OK", "data": {}})
    headers = BEARER if route.who is Who.SIGNED_IN else {}
    response = await door.http.post(route.path, json={}, headers=headers)
    assert (response.status_code, response.json()) == (200, {"code": 200, "msg": "OK", "data": {}})
    [request] = door.peers.requests
    assert (request.method, request.url.host, request.url.raw_path) == ("POST", route.app_id, route.path.encode())


@pytest.mark.parametrize("route", [each for each in PUBLIC if each.who is Who.SIGNED_IN], ids=lambda each: each.path)
async def test_a_route_for_the_signed_in_refuses_a_request_without_a_token(door, route):
    response = await door.http.post(route.path, json={})
    assert response.status_code == 401
    assert problem(response)["code"] == 100003
    assert response.headers["www-authenticate"] == "Bearer"
    assert door.peers.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "/internal/jwks",
        "/payment/internal/close",
        "/jobs/payment-query-open",
        "/events/payment-status",
        "/dapr/config",
        "/order/v1/homestayOrder/nothing",
        "/order/v1/homestayOrder/createHomestayOrder/",
        "/order/v1/merchant/../homestayOrder",
        "/v1.0/invoke/payment/method/internal/close",
        "/",
        "/docs/x",
    ],
)
async def test_what_is_not_in_the_table_does_not_exist(door, path):
    response = await door.http.post(path, json={}, headers=BEARER)
    assert response.status_code in ({405} if path == "/" else {404})
    assert problem(response)["status"] == response.status_code
    assert door.peers.requests == []


async def test_another_method_on_a_public_path_is_refused(door):
    response = await door.http.get(LOGIN)
    assert (response.status_code, problem(response)["code"]) == (405, 100107)
    assert door.peers.requests == []


async def test_an_encoded_path_is_sent_on_as_the_table_has_it(door):
    door.peers.answer("usercenter", LOGIN, {})
    await door.http.post("/usercenter%2Fv1/user/%6Cogin?x=1")
    [request] = door.peers.requests
    assert request.url.raw_path == LOGIN.encode()


async def test_wechats_bytes_and_signature_headers_pass_unchanged(door):
    body = b'{"id":"EV-1",  "resource": {"ciphertext":"\xe4\xb8\xad\\u4e2d"}}\n\n'
    signature = {
        "Wechatpay-Serial": "5157F09EFDC096DE15EBE81A47057A72",
        "Wechatpay-Signature": "CtcbzwtQjN8rnOXItEBJ5aQFSnIXESeV28Pr2YEmf9wsDQ8Nx25ytW6FXBCAFdrr0mgqngX3AD9g==",
        "Wechatpay-Timestamp": "1554209980",
        "Wechatpay-Nonce": "c5ac7061fccab6bf3e254dcf98995b8c",
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        "Content-Type": "application/json",
    }
    door.peers.answers["payment", CALLBACK] = lambda _request: httpx.Response(204)
    response = await door.http.post(CALLBACK, content=body, headers=signature)
    assert (response.status_code, response.content) == (204, b"")
    [request] = door.peers.requests
    assert request.content == body
    assert {name: request.headers[name] for name in signature} == signature


async def test_wechats_refusal_comes_back_as_the_payment_service_wrote_it(door):
    door.peers.answers["payment", CALLBACK] = lambda _request: httpx.Response(
        401, content='{"code":"FAIL","message":"验签失败"}'.encode(), headers={"Content-Type": "application/json"}
    )
    response = await door.http.post(CALLBACK, content=b"{}")
    assert (response.status_code, response.headers["content-type"]) == (401, "application/json")
    assert response.content == '{"code":"FAIL","message":"验签失败"}'.encode()


async def test_no_outside_client_can_pose_as_the_sidecar_or_as_a_user(door):
    door.peers.answer("order", CREATE, {})
    outside = {
        **BEARER,
        "dapr-api-token": "stolen",
        "dapr-app-id": "payment",
        "dapr-caller-app-id": "payment",
        "x-user-id": "1",
        "X-User-Roles": "operator",
        "Cookie": "a=b",
        "X-Forwarded-For": "10.0.0.1",
        "Idempotency-Key": "key-1",
        "Accept-Language": "en",
    }
    await door.http.post(CREATE, json={}, headers=outside)
    [request] = door.peers.requests
    assert not [name for name in request.headers if name.startswith(("dapr-", "x-"))]
    assert "cookie" not in request.headers
    assert (request.headers["authorization"], request.headers["idempotency-key"]) == ("Bearer a.b.c", "key-1")
    assert request.headers["accept-language"] == "en"


async def test_a_callers_trace_decides_nothing_here(door):
    """Its flags would say what is recorded in every service behind the door."""
    door.peers.answer("usercenter", LOGIN, {})
    stranger = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "a=b"}
    response = await door.http.post(LOGIN, json={}, headers=stranger)
    [request] = door.peers.requests
    assert not {"traceparent", "tracestate"} & set(request.headers)
    assert re.fullmatch(r"(?!0{32})[0-9a-f]{32}", response.headers["trace-id"])
    assert response.headers["trace-id"] != TRACE


async def test_a_header_that_matters_and_is_not_ascii_is_refused_by_name(door):
    door.peers.answer("order", CREATE, {})
    response = await door.http.post(CREATE, json={}, headers=[(b"authorization", b"Bearer \xe9")])
    assert (response.status_code, problem(response)["field"]) == (422, "authorization")
    assert door.peers.requests == []
    response = await door.http.post(
        CREATE, json={}, headers=[(b"authorization", b"Bearer a"), (b"user-agent", b"\xe9")]
    )
    assert response.status_code == 200
    assert "user-agent" not in door.peers.requests[0].headers


async def test_a_services_problem_comes_back_with_its_headers(door):
    body = b'{"type": "/problems/idempotency-in-flight", "status": 409}'
    headers = {
        "Content-Type": "application/problem+json",
        "Retry-After": "7",
        "Idempotent-Replayed": "true",
        "Content-Language": "en",
        "Server": "secret",
        "X-Inside": "secret",
    }
    door.peers.answers["order", CREATE] = lambda _request: httpx.Response(409, content=body, headers=headers)
    response = await door.http.post(CREATE, json={}, headers=BEARER)
    assert (response.status_code, response.content) == (409, body)
    assert (response.headers["retry-after"], response.headers["idempotent-replayed"]) == ("7", "true")
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.headers.values()


async def test_a_dead_peer_is_a_503_problem_with_retry_after(door):
    response = await door.http.post(LOGIN, json={}, headers={"Accept-Language": "en"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert problem(response)["code"] == 100106


async def test_the_sidecars_own_error_is_a_503_problem(door):
    refused = httpx.Response(500, json={"errorCode": "ERR_DIRECT_INVOKE", "message": "refused"})
    real = Sidecar("http://sidecar.invalid", "", transport=httpx.MockTransport(lambda _request: refused))
    async with client(create_app(settings(), sidecar=real)) as http:
        response = await http.post(LOGIN, json={})
    assert (response.status_code, problem(response)["code"]) == (503, 100106)


async def test_a_body_over_the_limit_is_refused_and_goes_nowhere(door):
    response = await door.http.post(LOGIN, content=b"x" * 4097)
    assert (response.status_code, problem(response)["code"]) == (413, 100108)

    async def chunks():
        for _ in range(5):
            yield b"x" * 1000

    response = await door.http.post(LOGIN, content=chunks())
    assert (response.status_code, problem(response)["code"]) == (413, 100108)
    assert door.peers.requests == []


async def test_beyond_its_concurrency_the_door_says_so_at_once():
    peers = FakeSidecar()
    peers.answer("usercenter", LOGIN, {})
    reached = []

    async def invoke(*_args, **_kwargs):
        reached.append(await http.post(LOGIN, json={}))
        return httpx.Response(200, json={})

    peers.invoke = invoke
    async with client(create_app(settings(request_concurrency=1), sidecar=peers)) as http:
        outer = await http.post(LOGIN, json={})
    [inner] = reached
    assert (outer.status_code, inner.status_code, inner.headers["retry-after"]) == (200, 503, "1")


async def test_metrics_name_the_route_and_health_needs_no_token(door):
    door.peers.answer("usercenter", LOGIN, {})
    await door.http.post(LOGIN, json={})
    assert (await door.http.get("/livez")).json() == {"state": "alive"}
    assert (await door.http.get("/readyz")).json() == {"state": "ready"}
    metrics = (await door.http.get("/metrics")).text
    assert (
        f'http_server_request_duration_seconds_count{{http_request_method="POST",http_response_status_code="200",http_route="{LOGIN}"}}'
        in metrics
    )
    assert APP_TOKEN not in metrics


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        ("203.0.114.7", "203.0.114.7"),
        ("2a00:1450::1", "2a00:1450::1"),
        ("::ffff:203.0.114.7", "203.0.114.7"),
        ("10.0.0.7", None),
        ("127.0.0.1", None),
        ("x", None),
    ],
)
async def test_a_service_is_told_the_address_of_the_internet_and_never_one_that_was_made_up(peer, told):
    peers = Peers()
    app = create_app(settings(), sidecar=peers)
    peers.answer("usercenter", LOGIN, {"code": 200})
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as http:
            await http.post(LOGIN, json={}, headers={"client-address": "198.51.100.1"})
    assert peers.requests[0].headers.get("client-address") == told
